using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>A short run of <see cref="LoaderFuzz"/>; Allot.Stress has a long one.</summary>
public sealed class LoaderFuzzTests
{
    private const int Programs = 3_000;
    private const int CompiledOneOf = 4;

    [Fact]
    public void No_program_does_harm()
    {
        using var fuzz = new LoaderFuzz(Clang.CompileAll());
        for (ulong seed = 1; seed <= Programs; seed++) fuzz.Check(seed, compiles: seed % CompiledOneOf == 0);
        Assert.InRange(fuzz.Counts.Verified, Programs / 10, Programs);
        Assert.InRange(fuzz.Counts.Structured, Programs / 40, Programs);
    }
}
