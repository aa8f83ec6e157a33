// Why does code that holds a lock have to say so before it asks for memory?
//
//   dotnet run samples/storage/engine.cs              all three, one after the other
//   dotnet run samples/storage/engine.cs without      no scope: it hangs, and tells who waits for whom; exit code 2
//   dotnet run samples/storage/engine.cs checked      no scope, one thread: nothing hangs, it is found; exit code 3
//   dotnet run samples/storage/engine.cs with         the lock carries a scope: the same work finishes; exit code 0
//
// A small storage engine: 512 pages of 4 KiB in a file, and a cache of native memory that is charged to a group of 64
// pages. A worker changes pages at random; a checkpointer writes them to the file. There are two locks, always taken in
// this order:
//
//   file    held by whoever writes to the file
//   pages   held by whoever looks at the cache
//
// As far as one can read, nothing breaks that order. But the worker charges for a page while it holds 'pages'; the
// group is full, so the charge asks the cache to evict; and to evict is to write, so it takes 'file'. When the
// checkpointer has that and wants 'pages', both wait for ever. So 'pages' has to carry a scope in which nobody is asked
// to evict.

#:project ../../src/Allot/Allot.csproj
#:property AllowUnsafeBlocks=true
#:property PublishAot=false

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Allot;
using Microsoft.Win32.SafeHandles;

const int Finished = 0, NotAsPromised = 1, Hung = 2, Found = 3, BadArgument = 64;

switch (args)
{
    case []:
        bool isAsPromised = Play("without") == Hung;
        isAsPromised &= Play("checked") == Found;
        isAsPromised &= Play("with") == Finished;
        return isAsPromised ? Finished : NotAsPromised;
    case ["without" or "checked" or "with"]:
        return Play(args[0]);
    default:
        Console.Error.WriteLine("usage: engine.cs [without | checked | with]");
        return BadArgument;
}

static int Play(string mode)
{
    Console.WriteLine(mode switch
    {
        "without" => "== without: 'pages' is a lock like any other; a worker and a checkpointer run",
        "checked" => "== checked: the same lock, the checks are on, and one thread does all of the work",
        _ => "== with: 'pages' carries NoFs; worker and checkpointer run, and the checks are still on",
    });

    AllocationChecks.IsEnabled = mode != "without";   // said in each case: a Debug build of Allot has them on
    var reports = new ConcurrentQueue<AllocationReport>();
    using IDisposable observation = AllocationChecks.Observe(reports.Enqueue);

    // All the difference.
    var engine = new Engine(mode == "with" ? AllocationRestrictions.NoFs : AllocationRestrictions.None);
    bool isFinished = mode == "checked" ? Work.Alone(engine) : Work.Together(engine);
    if (!isFinished) return Hung;   // with all that the engine holds: its threads will never let go

    bool isRight = engine.Finish(Work.Updates);
    foreach (AllocationReport report in reports) Console.WriteLine($"the check has found:\n{report}");
    if (AllocationChecks.IsEnabled && reports.IsEmpty) Console.WriteLine("the checks have found nothing");
    Console.WriteLine();
    if (!isRight) return NotAsPromised;
    return reports.IsEmpty ? Finished : Found;
}

/// <summary>The work, done by one thread or by two.</summary>
internal static class Work
{
    public const int Updates = 4_000;

    private const int LooksMax = 60;
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    public static bool Alone(Engine engine)
    {
        var random = new Random(4);
        for (int i = 1; i <= Updates; i++)
        {
            engine.Update(random.Next(Engine.PagesInFile));
            if (i % 100 == 0) engine.Checkpoint();
        }

        return true;
    }

    /// <returns>False when the two wait for each other for ever, which is then told.</returns>
    public static bool Together(Engine engine)
    {
        var isDone = new ManualResetEventSlim();
        Thread worker = Start("worker", () =>
        {
            var random = new Random(4);
            for (int i = 0; i < Updates; i++) engine.Update(random.Next(Engine.PagesInFile));
            isDone.Set();
        });
        Thread checkpointer = Start("checkpointer", () =>
        {
            while (!isDone.Wait(TimeSpan.FromMilliseconds(1))) engine.Checkpoint();
        });

        long taken = NamedLock.Taken;
        for (int look = 0; look < LooksMax; look++)
        {
            if (worker.Join(s_betweenLooks) && checkpointer.Join(s_betweenLooks)) return true;
            bool isStill = NamedLock.Taken == taken;
            taken = NamedLock.Taken;
            if (isStill && NamedLock.FindCircle(worker.Name!) is { } circle)
            {
                Console.WriteLine($"it hangs, after {engine.Updated} of {Updates} updates:\n{circle}");
                return false;
            }
        }

        throw new TimeoutException("The work neither ends nor waits for itself.");
    }

    // In the background: the process can end although they cannot.
    private static Thread Start(string name, ThreadStart body)
    {
        var thread = new Thread(body) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }
}

/// <summary>Pages in a file, and a cache of them that is charged to a group and evicts when the group needs room.
/// </summary>
internal sealed unsafe class Engine : IReclaimer
{
    public const int PagesInFile = 512;
    private const int PagesInGroup = 64;
    private const int PageBytes = 4096;

    private readonly MemoryGroup _group;
    private readonly IDisposable _registration;
    private readonly SafeFileHandle _handle;
    private readonly NamedLock _file = new("file", AllocationRestrictions.None);
    private readonly NamedLock _pages;

    // Under 'pages'. Most recently used first.
    private readonly LinkedList<Page> _byUse = new();
    private readonly Dictionary<int, LinkedListNode<Page>> _byNumber = [];
    private long _cachedBytes;
    private int _loaded, _evicted, _refused, _updated;

    public Engine(AllocationRestrictions ofPages)
    {
        _pages = new NamedLock("pages", ofPages);
        var tree = new MemoryController();
        _group = tree.Root.CreateChild("cache", new MemoryGroupOptions { MaxBytes = PagesInGroup * PageBytes });
        _registration = _group.Register(this);

        // Without a name from the start, so that nothing is left behind by a process that hangs.
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete);
        File.Delete(path);
        RandomAccess.SetLength(_handle, (long)PagesInFile * PageBytes);
    }

    /// <summary>It writes to the file, and takes the locks of the engine for that.</summary>
    public ReclaimNeeds Needs => ReclaimNeeds.FileSystem | ReclaimNeeds.Io;

    public int Updated => Volatile.Read(ref _updated);

    #region sample-update
    public void Update(int number)
    {
        // In NoFs a full group refuses; room is made here, where no lock is held.
        while (!TryUpdate(number)) _group.Reclaim(8 * PageBytes);
    }

    private bool TryUpdate(int number)
    {
        using ScopedLock.Holder pages = _pages.Take();
        if ((Find(number) ?? Load(number)) is not { } page) return false;   // charges for a page that it loads
        page.Value++;
        page.IsDirty = true;
        _updated++;
        return true;
    }
    #endregion

    private Page? Load(int number)
    {
        try
        {
            _group.Charge(MemoryKind.User, PageBytes);   // without the scope, this may call Reclaim below
        }
        catch (MemoryLimitExceededException)
        {
            _refused++;
            return null;
        }

        var page = new Page(number, PageBytes);
        RandomAccess.Read(_handle, page.Bytes, Offset(number));
        _byNumber.Add(number, _byUse.AddFirst(page));
        _cachedBytes += PageBytes;
        _loaded++;
        return page;
    }

    public long Reclaim(MemoryGroup group, long targetBytes)
    {
        using ScopedLock.Holder file = _file.Take();
        using ScopedLock.Holder pages = _pages.Take();
        long freed = 0;
        for (; freed < targetBytes && _byUse.Last is { } oldest; freed += PageBytes) Evict(oldest.Value);
        return freed;
    }

    public long CountBytes(MemoryGroup group) => Volatile.Read(ref _cachedBytes);

    /// <summary>Writes what has changed, page by page: nobody has to wait for the disk to look at the cache.</summary>
    public void Checkpoint()
    {
        Span<byte> copy = stackalloc byte[PageBytes];
        using ScopedLock.Holder file = _file.Take();
        foreach (int number in ListDirty())
        {
            // What was dirty cannot be evicted meanwhile: that takes 'file'.
            CopyAndClean(number, copy);
            RandomAccess.Write(_handle, copy, Offset(number));
        }
    }

    /// <summary>Ends all use, prints what has happened, and checks that the file holds every update.</summary>
    public bool Finish(int updates)
    {
        Checkpoint();
        long inFile = 0;
        Span<byte> page = stackalloc byte[PageBytes];
        for (int number = 0; number < PagesInFile; number++)
        {
            RandomAccess.Read(_handle, page, Offset(number));
            inFile += MemoryMarshal.Read<long>(page);
        }

        long peakBytes = _group.Memory.PeakBytes, maxBytes = _group.Memory.MaxBytes;
        Console.WriteLine($"{updates} updates done, {inFile} of them are in the file");
        Console.WriteLine($"pages read {_loaded}, evicted {_evicted}, refused under the lock {_refused}");
        Console.WriteLine($"charged {(long)_loaded * PageBytes >> 10} KiB in all, "
            + $"at most {peakBytes >> 10} KiB at a time, limit {maxBytes >> 10} KiB");

        _registration.Dispose();
        Reclaim(_group, long.MaxValue);
        _handle.Dispose();
        return inFile == updates && peakBytes <= maxBytes && _group.Memory.CurrentBytes == 0;
    }

    private static long Offset(int number) => (long)number * PageBytes;

    private Page? Find(int number)
    {
        if (!_byNumber.TryGetValue(number, out LinkedListNode<Page>? node)) return null;
        _byUse.Remove(node);
        _byUse.AddFirst(node);
        return node.Value;
    }

    private void Evict(Page page)
    {
        if (page.IsDirty) RandomAccess.Write(_handle, page.Bytes, Offset(page.Number));
        _byUse.RemoveLast();
        _byNumber.Remove(page.Number);
        _cachedBytes -= PageBytes;
        _evicted++;
        page.Free();
        _group.Uncharge(MemoryKind.User, PageBytes);
    }

    private List<int> ListDirty()
    {
        using ScopedLock.Holder pages = _pages.Take();
        return [.. _byUse.Where(page => page.IsDirty).Select(page => page.Number)];
    }

    private void CopyAndClean(int number, Span<byte> copy)
    {
        using ScopedLock.Holder pages = _pages.Take();
        Page page = _byNumber[number].Value;
        page.Bytes.CopyTo(copy);
        page.IsDirty = false;
    }

    /// <summary>A page in native memory. Its first eight bytes count its updates.</summary>
    private sealed class Page(int number, int bytes)
    {
        private readonly byte* _memory = (byte*)NativeMemory.Alloc((nuint)bytes);

        public int Number => number;

        public bool IsDirty { get; set; }

        public Span<byte> Bytes => new(_memory, bytes);

        public ref long Value => ref *(long*)_memory;

        public void Free() => NativeMemory.Free(_memory);
    }
}

/// <summary>A lock that can tell who waits for it and who has it: for the story only.</summary>
internal sealed class NamedLock(string name, AllocationRestrictions restrictions)
{
    private static readonly ConcurrentDictionary<string, (NamedLock Lock, string Where)> s_waiting = new();
    private static long s_taken;

    private readonly ScopedLock _lock = new(restrictions, name);

    // Who has taken it last: who has it, if anybody waits for it for ever.
    private volatile string _taker = "nobody";
    private volatile string _where = "nowhere";

    public static long Taken => Interlocked.Read(ref s_taken);

    public ScopedLock.Holder Take([CallerMemberName] string where = "")
    {
        if (_lock.IsHeldByCurrentThread) return _lock.Enter();
        string me = Thread.CurrentThread.Name ?? "main";
        s_waiting[me] = (this, where);
        ScopedLock.Holder holder = _lock.Enter();
        s_waiting.TryRemove(me, out _);
        (_taker, _where) = (me, where);
        Interlocked.Increment(ref s_taken);
        return holder;
    }

    /// <summary>Goes from a thread to the one it waits for, and on, until it comes back.</summary>
    /// <returns>A line for each; null if that ends at somebody who does not wait.</returns>
    public static string? FindCircle(string first)
    {
        var lines = new List<string>();
        string thread = first;
        do
        {
            if (lines.Count > s_waiting.Count || !s_waiting.TryGetValue(thread, out var wanted)) return null;
            lines.Add($"  {thread} waits in {wanted.Where} for '{wanted.Lock.Name}', "
                + $"which {wanted.Lock._taker} has taken in {wanted.Lock._where}");
            thread = wanted.Lock._taker;
        }
        while (thread != first);

        return string.Join('\n', lines);
    }

    private string Name => name;
}
