namespace Allot.Bpf.Tests.Fuzz;

/// <summary>A short run of <see cref="LoaderFuzz"/>; Allot.Stress has a long one.</summary>
public sealed class LoaderFuzzTests
{
    private const int Programs = 1_500;

    [Theory]
    [InlineData(BpfVerification.Full)]
    [InlineData(BpfVerification.Structure)]
    public void No_program_does_harm(BpfVerification verification)
    {
        int accepted = 0;
        for (ulong seed = 1; seed <= Programs; seed++) accepted += LoaderFuzz.Check(seed, verification) ? 1 : 0;
        Assert.InRange(accepted, Programs / 50, Programs);
    }
}
