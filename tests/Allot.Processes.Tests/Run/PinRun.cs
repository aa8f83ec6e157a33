using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

/// <summary>Steps of the test program "lock", with and without a group around them.</summary>
internal static class PinRun
{
    // A kernel or a machine without something that a step needs: the test has nothing to say then.
    private static readonly string[] s_missing = ["ENOSYS", "EOPNOTSUPP", "EAFNOSUPPORT"];

    /// <summary>The steps in a group. One line of output per step, as in lock.c.</summary>
    public static AllotResult In(string options, string steps)
    {
        AllotResult result = AllotCommand.Run(Words(options), [Require.Program("lock"), steps]);
        GroupAssert.ExitedWith(0, result);
        GroupAssert.NothingWasLeftBehind(result);
        SkipIfMissing(result.Run);
        return result;
    }

    /// <summary>The same without a group.</summary>
    public static RunResult Outside(string steps)
    {
        RunResult result = ProcessRunner.Run(Require.Program("lock"), [steps]);
        SkipIfMissing(result);
        return result;
    }

    /// <summary>The results of the named steps only: "mlock ENOMEM", "status VmLck=64kB VmPin=0kB".</summary>
    public static string[] Of(this AllotResult result, params string[] steps) =>
        [.. result.Run.Lines.Where(line => steps.Contains(line.TrimStart('>', ' ').Split(' ')[0]))];

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void SkipIfMissing(RunResult result)
    {
        string? missing = result.Lines.FirstOrDefault(static line => s_missing.Contains(line.Split(' ')[^1]));
        Assert.SkipWhen(missing is not null, $"this kernel does not support it: {missing}");
    }
}
