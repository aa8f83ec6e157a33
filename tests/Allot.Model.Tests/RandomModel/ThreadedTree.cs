using Allot.Testing;

namespace Allot.Model.Tests.RandomModel;

/// <summary>The operations on the real engine, each on one of a few threads that hold bytes in advance of whatever
/// they have charged often. One operation at a time: so every answer is that of a tree without threads.</summary>
/// <remarks>In between, without effect on any number but peaks: bursts of charges and uncharges, on one thread or across
/// two, so that slots are bound; trimming; all taken from one thread; a thread that ends and another that begins.
/// </remarks>
internal sealed class ThreadedTree : ITree, IDisposable
{
    /// <summary>What a burst charges at most at once: peaks are higher by that.</summary>
    public const int BurstBytes = 20;

    private const int ThreadCount = 3, BurstLength = BurstBytes;

    private readonly EngineTree _engine;
    private readonly Prng _random;
    private readonly Worker[] _workers = [.. Enumerable.Range(0, ThreadCount).Select(static _ => new Worker())];

    public ThreadedTree(ulong seed, long reservesMaxBytes)
    {
        _engine = new EngineTree(reservesMaxBytes);
        _random = new Prng(~seed);
    }

    public MemoryController Controller => _engine.Controller;

    /// <summary>How often a slot was seen bound: a walk without proves nothing.</summary>
    public int TimesBound { get; private set; }

    public string Create(int parent, string name, long[] limits) => On(t => t.Create(parent, name, limits));

    public string Remove(int group) => On(t => t.Remove(group));

    public string SetMax(int group, CounterKind counter, long bytes) => On(t => t.SetMax(group, counter, bytes));

    public string TryCharge(int group, Sort sort, long bytes) => On(t => t.TryCharge(group, sort, bytes));

    public string ForceCharge(int group, Sort sort, long bytes) => On(t => t.ForceCharge(group, sort, bytes));

    public string Uncharge(int group, Sort sort, long bytes) => On(t => t.Uncharge(group, sort, bytes));

    public string Hold(int group, MemoryKind kind, long bytes) => On(t => t.Hold(group, kind, bytes));

    public string Grow(int handle, long bytes) => On(t => t.Grow(handle, bytes));

    public string Shrink(int handle, long bytes) => On(t => t.Shrink(handle, bytes));

    public string Resize(int handle, long bytes) => On(t => t.Resize(handle, bytes));

    public string Transfer(int handle, int target) => On(t => t.Transfer(handle, target));

    public string Dispose(int handle) => On(t => t.Dispose(handle));

    public string OpenPeak(int group, CounterKind counter) => On(t => t.OpenPeak(group, counter));

    public string ResetPeak(int peak) => On(t => t.ResetPeak(peak));

    public string ClosePeak(int peak) => On(t => t.ClosePeak(peak));

    public string ShowGroup(int group) => _engine.ShowGroup(group);

    public string ShowHandle(int handle) => _engine.ShowHandle(handle);

    public string ShowPeak(int peak) => _engine.ShowPeak(peak);

    public void Dispose()
    {
        foreach (Worker worker in _workers) worker.Dispose();
    }

    private string On(Func<ITree, string> operation)
    {
        InBetween();
        return _random.Pick(_workers).Do(() => operation(_engine));
    }

    private void InBetween()
    {
        switch (_random.Below(40))
        {
            case 0:
                int ended = _random.Below(ThreadCount);
                _workers[ended].Dispose();
                _workers[ended] = new Worker();
                break;
            case 1:
                Controller.Reserves.Trim(Controller.Root.Memory);
                break;
            case 2:
                ReserveRegistry.TryTakeAll(_random.Pick(_workers).Thread, static () => { });
                break;
            case 3:
                _random.Pick(_workers).Do(static () => { ThreadReserves.GiveBackOwn(); return ""; });
                break;
            case < 30:
                Burst(_random.Pick(_workers), _random.Pick(_workers));
                break;
        }

        if (Controller.Reserves.BoundSlots > 0) TimesBound++;
    }

    // Only where it fits: a refusal would be an event.
    private void Burst(Worker charges, Worker uncharges)
    {
        MemoryGroup group = _engine.AnyGroup(_random);
        var kind = (MemoryKind)_random.Below(2);
        MemoryCounter counter = kind == MemoryKind.User ? group.Memory : group.Kernel;
        if (group.State != MemoryGroupState.Online || counter.AvailableBytes < BurstLength) return;
        bool onOne = charges == uncharges;
        charges.Do(() =>
        {
            for (int i = 0; i < BurstLength; i++)
            {
                if (!group.TryCharge(kind, 1, out _)) throw new InvalidOperationException("It fits.");
                if (onOne) group.Uncharge(kind, 1);
            }

            return "";
        });
        if (onOne) return;
        uncharges.Do(() =>
        {
            for (int i = 0; i < BurstLength; i++) group.Uncharge(kind, 1);
            return "";
        });
    }

    // A thread that does what it is told, one thing at a time.
    private sealed class Worker : IDisposable
    {
        private readonly SemaphoreSlim _asked = new(0), _answered = new(0);
        private Func<string>? _task;
        private string _answer = "";
        private Exception? _failure;

        public Worker()
        {
            Thread = new Thread(Work) { IsBackground = true };
            Thread.Start();
        }

        public Thread Thread { get; }

        public string Do(Func<string> task)
        {
            _task = task;
            _asked.Release();
            _answered.Wait();
            return _failure is null ? _answer : throw new InvalidOperationException("A thread has failed.", _failure);
        }

        public void Dispose()
        {
            _task = null;
            _asked.Release();
            Thread.Join();
            _asked.Dispose();
            _answered.Dispose();
        }

        private void Work()
        {
            while (true)
            {
                _asked.Wait();
                if (_task is not { } task) return;
                _failure = Record.Exception(() => { _answer = task(); });
                _answered.Release();
            }
        }
    }
}
