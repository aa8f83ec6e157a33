using System.Runtime.ExceptionServices;

namespace Allot.Tests;

/// <summary>A thread that does one thing, and from then on sleeps unless it is asked for another. What it throws, the
/// one who asked does.</summary>
internal sealed class Sleeper : IDisposable
{
    private readonly Thread _thread;
    private readonly SemaphoreSlim _asked = new(0), _answered = new(0);
    private Func<bool>? _question;
    private bool _answer;
    private Exception? _failure;

    public Sleeper(Action first)
    {
        _thread = new Thread(() => Work(first)) { IsBackground = true };
        _thread.Start();
        _answered.Wait();
        ThrowFailure();
    }

    public Thread Thread => _thread;

    public bool Ask(Func<bool> question)
    {
        _question = question;
        _asked.Release();
        _answered.Wait();
        ThrowFailure();
        return _answer;
    }

    public void Dispose()
    {
        _question = null;
        _asked.Release();
        _thread.Join();
        _asked.Dispose();
        _answered.Dispose();
    }

    private void Work(Action first)
    {
        _failure = Record.Exception(first);
        while (true)
        {
            _answered.Release();
            _asked.Wait();
            if (_question is not { } question) return;
            _failure = Record.Exception(() => { _answer = question(); });
        }
    }

    private void ThrowFailure()
    {
        if (_failure is not null) ExceptionDispatchInfo.Throw(_failure);
    }
}
