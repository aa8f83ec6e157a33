using System.Diagnostics;
using System.Text;

namespace Allot.Processes.Tests.Support;

// A started program. Its output is read from the start, so that it never blocks on a full pipe, and a test can wait for
// a line of it. Dispose ends the process and its descendants when they still run.
internal sealed class RunningProgram : IDisposable
{
    private readonly Process _process;
    private readonly CancellationTokenSource _timeLimit;
    private readonly Lock _lock = new();
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Task _readers;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RunningProgram(Process process, TimeSpan timeLimit)
    {
        _process = process;
        _timeLimit = new CancellationTokenSource(timeLimit);
        _readers = Task.WhenAll(
            Task.Run(() => ReadAsync(process.StandardOutput, _output)),
            Task.Run(() => ReadAsync(process.StandardError, _error)));
    }

    public int Id => _process.Id;

    public string Output { get { lock (_lock) return _output.ToString(); } }

    public string Error { get { lock (_lock) return _error.ToString(); } }

    /// <summary>Writes the whole input and closes it.</summary>
    public void WriteInput(string text)
    {
        WriteLines(text);
        _process.StandardInput.Close();
    }

    /// <summary>Writes without closing the input. A program that has gone does not matter here.</summary>
    public void WriteLines(string text)
    {
        try
        {
            _process.StandardInput.Write(text);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Waits until the output holds a whole line that begins with <paramref name="start"/>.</summary>
    /// <exception cref="InvalidOperationException">The program ended, or its time limit passed, without it.</exception>
    public async Task<string> WaitForLineAsync(string start)
    {
        while (true)
        {
            Task changed;
            lock (_lock) changed = _changed.Task;
            bool ended = _readers.IsCompleted;
            string? line = FindLine(start);
            if (line is not null) return line;
            if (ended || _timeLimit.IsCancellationRequested)
            {
                throw new InvalidOperationException($"No line '{start}...' in:\n{Output}--- stderr\n{Error}");
            }

            await Task.WhenAny(changed, _readers, Task.Delay(Timeout.Infinite, _timeLimit.Token));
        }
    }

    /// <summary>Waits for the end of the process and of its output; past the time limit the tree is killed.</summary>
    public async Task<RunResult> WaitForEndAsync()
    {
        bool timedOut = false;
        try
        {
            await _process.WaitForExitAsync(_timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            timedOut = true;
            KillTree();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        // A descendant may hold the pipes open after the process has gone: it gets the rest of the time, then is left.
        try
        {
            await _readers.WaitAsync(_timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            timedOut = true;
        }

        return new RunResult(_process.ExitCode, Output, Error, timedOut);
    }

    public RunResult WaitForEnd() => WaitForEndAsync().GetAwaiter().GetResult();

    public void KillTree()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
    }

    /// <summary>Kills this one process, not its descendants: what a crash looks like to them.</summary>
    public void KillAlone() => _process.Kill();

    public void Dispose()
    {
        KillTree();
        _process.Dispose();
        _timeLimit.Dispose();
    }

    private string? FindLine(string start)
    {
        string[] lines = Output.Split('\n');
        return lines[..^1].FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
    }

    private async Task ReadAsync(StreamReader reader, StringBuilder target)
    {
        char[] buffer = new char[4096];
        int count;
        while ((count = await reader.ReadAsync(buffer)) > 0)
        {
            TaskCompletionSource changed;
            lock (_lock)
            {
                target.Append(buffer, 0, count);
                changed = _changed;
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            changed.SetResult();
        }
    }
}
