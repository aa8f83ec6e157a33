using System.Runtime.InteropServices;

namespace Allot.Processes.Tests.Support;

/// <summary>What a test needs from the machine: skips it, with the reason, where that is missing.</summary>
internal static class Require
{
    /// <summary>Linux on x64 or arm64, the only systems with anything to test here.</summary>
    public static void Linux() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64,
        "needs Linux on x64 or arm64");

    public static void Root()
    {
        Linux();
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
    }

    /// <summary>The path of a program in PATH.</summary>
    public static string Tool(string name)
    {
        Linux();
        string? path = Toolbox.Find(name);
        Assert.SkipWhen(path is null, $"needs the program '{name}' in PATH");
        return path!;
    }

    /// <summary>The interpreter itself: what PATH has may be a script that starts a dozen processes first.</summary>
    public static string Python()
    {
        RunResult result = ProcessRunner.Run(Tool("python3"), ["-c", "import sys; print(sys.executable)"]);
        Assert.SkipUnless(result.ExitCode == 0, $"needs a python3 that works: {result.Error}");
        return result.Output.Trim();
    }

    /// <summary>The path of one of our test programs, compiled when first asked for.</summary>
    public static string Program(string name, bool linkStatically = false)
    {
        Tool("gcc");
        return Toolbox.Compile(name, linkStatically);
    }
}
