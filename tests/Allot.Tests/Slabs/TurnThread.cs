namespace Allot.Tests.Slabs;

/// <summary>A thread that does what it is told, one thing at a time, while who tells it waits.</summary>
internal sealed class TurnThread : IDisposable
{
    private readonly SemaphoreSlim _go = new(0), _done = new(0);
    private readonly Thread _thread;
    private Action? _work;
    private Exception? _failure;

    public TurnThread()
    {
        _thread = new Thread(Work) { IsBackground = true };
        _thread.Start();
    }

    public void Run(Action work)
    {
        _work = work;
        _go.Release();
        _done.Wait();
        if (_failure is { } failure) throw new InvalidOperationException($"On another thread: {failure}", failure);
    }

    /// <summary>Ends the thread; returns when it is gone.</summary>
    public void Dispose()
    {
        _work = null;
        _go.Release();
        _thread.Join();
        _go.Dispose();
        _done.Dispose();
    }

    private void Work()
    {
        while (true)
        {
            _go.Wait();
            if (_work is not { } work) return;
            try
            {
                work();
            }
            catch (Exception failure)
            {
                _failure = failure;
            }

            _done.Release();
        }
    }
}
