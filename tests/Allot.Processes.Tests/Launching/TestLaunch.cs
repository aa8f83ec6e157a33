using System.Diagnostics;
using Allot.Processes.Launching;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Launching;

/// <summary>A command launched for a test, with its output in a file and its listener answered on a thread.</summary>
internal sealed class TestLaunch : IDisposable
{
    private Thread? _answering;

    /// <summary>The launcher that is built next to the tests.</summary>
    public static LauncherCommand Launcher { get; } = new(Path.Combine(AppContext.BaseDirectory, "Allot.Cli"), []);

    /// <summary>Why launches cannot be tested here; null when they can.</summary>
    public static string? Unsupported =>
        OperatingSystem.IsLinux() && SyscallTable.Current is not null ? null : "needs Linux on x86-64 or arm64";

    /// <summary>A directory of this test only.</summary>
    public string DirectoryPath { get; } = Directory.CreateTempSubdirectory("allot-launch-").FullName;

    public string OutputFile => Path.Combine(DirectoryPath, "output");

    public string Output => File.Exists(OutputFile) ? File.ReadAllText(OutputFile) : "";

    public LaunchedProcess? Process { get; private set; }

    public SeccompListener Listener => Process?.Listener ?? throw new InvalidOperationException("There is no filter.");

    public static bool Exists(string call) => SyscallTable.Current!.TryGetNumber(call, out _);

    public static int Number(string call)
    {
        Assert.True(SyscallTable.Current!.TryGetNumber(call, out int number), call);
        return number;
    }

    /// <summary>Notifies of these calls, as far as the architecture has them.</summary>
    public static SeccompFilter Filter(params string[] calls) =>
        FilterOf([.. calls.Where(Exists).Select(static name => new FilterRule(Number(name)))]);

    public static SeccompFilter FilterOf(params FilterRule[] rules) =>
        SeccompFilter.Create(SyscallTable.Current!, rules);

    /// <summary>Whether a program is in PATH.</summary>
    public static bool HasProgram(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(directory => File.Exists(Path.Combine(directory, name)));

    /// <summary>Compiles a C program; the result is its path. Skips the test without gcc.</summary>
    public string Compile(string source)
    {
        Assert.SkipUnless(HasProgram("gcc"), "needs gcc");
        string program = Path.Combine(DirectoryPath, "program");
        File.WriteAllText(program + ".c", source);
        string[] arguments = ["-O1", "-pthread", "-o", program, program + ".c"];
        using var gcc = System.Diagnostics.Process.Start(new ProcessStartInfo("gcc", arguments));
        gcc!.WaitForExit();
        Assert.Equal(0, gcc.ExitCode);
        return program;
    }

    /// <summary>Starts a shell script with its output in <see cref="OutputFile"/>, and holds it before exec.</summary>
    public LaunchedProcess StartShell(string script, SeccompFilter? filter = null, InheritedState? inherited = null) =>
        Start(new LaunchPlan
        {
            Command = ["/bin/sh", "-c", $"exec >'{OutputFile}' 2>&1\n{script}"],
            Filter = filter,
            Launcher = Launcher,
            Inherited = inherited,
        });

    public LaunchedProcess Start(string command, SeccompFilter? filter = null) =>
        Start(new LaunchPlan { Command = command.Split(' '), Filter = filter, Launcher = Launcher });

    public LaunchedProcess Start(LaunchPlan plan) => Process = Processes.Launching.Launcher.Start(plan);

    /// <summary>
    /// Releases the command and waits for it. The function gives an intercepted call's error number, 0 to continue.
    /// </summary>
    public ExitStatus Finish(Func<SeccompNotification, int>? answer = null)
    {
        if (answer is not null) AnswerOnAThread(answer);
        Process!.Exec();
        ExitStatus status = Process.Wait();
        _answering?.Join();
        return status;
    }

    public void AnswerOnAThread(Func<SeccompNotification, int> answer)
    {
        SeccompListener listener = Listener;
        _answering = new Thread(() =>
        {
            while (listener.TryReceive(out SeccompNotification notification))
            {
                int errno = answer(notification);
                _ = errno == 0 ? listener.Continue(notification.Id) : listener.Fail(notification.Id, errno);
            }
        });
        _answering.IsBackground = true;
        _answering.Start();
    }

    public void Dispose()
    {
        Process?.Dispose();
        Directory.Delete(DirectoryPath, recursive: true);
    }
}
