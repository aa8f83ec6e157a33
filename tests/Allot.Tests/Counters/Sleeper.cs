namespace Allot.Tests;

/// <summary>A thread that does one thing, and from then on sleeps unless it is asked for another.</summary>
internal sealed class Sleeper : IDisposable
{
    private readonly Thread _thread;
    private readonly SemaphoreSlim _asked = new(0), _answered = new(0);
    private Func<bool>? _question;
    private bool _answer;

    public Sleeper(Action first)
    {
        _thread = new Thread(() => Work(first)) { IsBackground = true };
        _thread.Start();
        _answered.Wait();
    }

    public bool Ask(Func<bool> question)
    {
        _question = question;
        _asked.Release();
        _answered.Wait();
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
        first();
        while (true)
        {
            _answered.Release();
            _asked.Wait();
            if (_question is null) return;
            _answer = _question();
        }
    }
}
