using Allot.Processes.Launching;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Launching;

/// <summary>A command launched for a test, with its output in files and its listener answered on a thread.</summary>
internal sealed class TestLaunch : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("allot-launch-").FullName;
    private Thread? _answering;

    /// <summary>The launcher that is built next to the tests.</summary>
    public static LauncherCommand Launcher { get; } = new(Path.Combine(AppContext.BaseDirectory, "Allot.Cli"), []);

    public string OutputFile => Path.Combine(_directory, "output");

    public LaunchedProcess? Process { get; private set; }

    /// <summary>Why launches cannot be tested here; null when they can.</summary>
    public static string? Unsupported =>
        OperatingSystem.IsLinux() && SyscallTable.Current is not null ? null : "needs Linux on x86-64 or arm64";

    public static SeccompFilter Filter(params string[] calls) =>
        Filter([.. calls.Where(Exists).Select(static name => new FilterRule(Number(name)))]);

    public static SeccompFilter Filter(FilterRule[] rules) => SeccompFilter.Create(SyscallTable.Current!, rules);

    public static bool Exists(string name) => SyscallTable.Current!.TryGetNumber(name, out _);

    public static int Number(string name)
    {
        Assert.True(SyscallTable.Current!.TryGetNumber(name, out int number), name);
        return number;
    }

    /// <summary>Runs a shell script with its output in <see cref="OutputFile"/>; returns how it ended.</summary>
    public ExitStatus Shell(string script, SeccompFilter? filter = null, Func<SeccompNotification, int>? answer = null,
        InheritedState? inherited = null)
    {
        Start(new LaunchPlan
        {
            Command = ["/bin/sh", "-c", $"exec >'{OutputFile}' 2>&1\n{script}"],
            Filter = filter,
            Launcher = Launcher,
            Inherited = inherited,
        });
        return Finish(answer);
    }

    public string Output => File.Exists(OutputFile) ? File.ReadAllText(OutputFile) : "";

    public LaunchedProcess Start(LaunchPlan plan) => Process = Processes.Launching.Launcher.Start(plan);

    /// <summary>Answers with the error number that the function gives, 0 to continue; releases the command and waits for it.</summary>
    public ExitStatus Finish(Func<SeccompNotification, int>? answer = null)
    {
        if (Process!.Listener is { } listener)
        {
            _answering = new Thread(() => Answer(listener, answer ?? (static _ => 0))) { IsBackground = true };
            _answering.Start();
        }
        Process.Exec();
        ExitStatus status = Process.Wait();
        _answering?.Join();
        return status;
    }

    public static void Answer(SeccompListener listener, Func<SeccompNotification, int> answer)
    {
        while (listener.TryReceive(out SeccompNotification notification))
        {
            int errno = answer(notification);
            _ = errno == 0 ? listener.Continue(notification.Id) : listener.Fail(notification.Id, errno);
        }
    }

    public void Dispose()
    {
        Process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
