using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>Functions in C that helpers call, in both engines.</summary>
public sealed class ClangCallbackTests
{
    [Fact]
    public void A_loop_ends_when_the_function_says_so() => Each("prog/loop", run =>
    {
        Assert.Equal(45_009_010ul, run.Run([10, 255]));
        Assert.Equal(6_003_004ul, run.Run([10, 3]));
        Assert.Equal(0ul, run.Run([0, 0]));
    });

    [Fact]
    public unsafe void A_loop_without_a_context() => Each("prog/squares", run =>
    {
        Assert.Equal(10ul, run.Run([]));
        for (int index = 0; index < 8; index++) Assert.Equal((ulong)(index * index), run.Value(1, index));
    });

    [Fact]
    public void Loops_in_loops() => Each("prog/nested", run => Assert.Equal(45ul, run.Run([])));

    [Fact]
    public void Elements_are_changed_and_removed_by_who_visits_them() => Each("prog/elements", run =>
    {
        Assert.Equal(190_020ul, run.Run([]));
        Assert.Equal(10, run.Maps[0].Count);
        Assert.Equal(190_020ul, run.Run([]));
    });

    [Fact]
    public void Errors_are_those_of_linux() => Each("prog/errors", run => Assert.Equal(-7_022, (long)run.Run([])));

    private static void Each(string section, Action<ObjectRun> test)
    {
        foreach (string cpu in (string[])["v1", "v2", "v3"])
        {
            foreach (BpfEngine engine in Engines.All)
            {
                using var run = new ObjectRun(BpfObject.Read(Clang.Compile("callbacks", cpu)), engine, section);
                test(run);
            }
        }
    }
}
