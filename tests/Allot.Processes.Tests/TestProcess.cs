using System.Diagnostics;

namespace Allot.Processes.Tests;

/// <summary>
/// A shell that a test starts, talks to by lines, and ends. A script that wants to be waited for prints "ready" and
/// then
/// reads a line. Disposing kills this one process and waits for it.
/// </summary>
internal sealed class TestProcess : IDisposable
{
    private readonly Process _process;

    private TestProcess(Process process) => _process = process;

    internal int Pid => _process.Id;

    internal static TestProcess Shell(string script) => Start("/bin/sh", "-c", script);

    internal static TestProcess Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new TestProcess(Process.Start(start)!);
    }

    internal string? ReadLine() => _process.StandardOutput.ReadLine();

    internal TestProcess WaitReady()
    {
        string? line = ReadLine();
        if (line != "ready") throw new InvalidOperationException($"Not ready: '{line}'. {_process.StandardError.ReadToEnd()}");
        return this;
    }

    /// <summary>Sends a line; the usual script then ends.</summary>
    internal void WriteLine(string line = "")
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    internal int WaitForExit()
    {
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
