// What happens to the others when one tenant makes directories inside directories for ever, or threads?
//
//   dotnet run samples/NoisyNeighbour/bomb.cs            both, one after the other
//   dotnet run samples/NoisyNeighbour/bomb.cs names      mkdir x; cd x; and again
//   dotnet run samples/NoisyNeighbour/bomb.cs threads    a thread, and another one
//
// Each prints a table: without limits, with one limit for the whole host, and with a limit for each tenant. The exit
// code is 0 when it is as promised: with a limit each, the bomb was refused and its neighbour was not; with one for
// all, both were; and each time all was given back.
//
// The host keeps a tree of names, as a kernel does: a directory entry and an inode for each name that somebody has
// opened. Two object caches, shared by all tenants; each object is kernel memory of the tenant that has caused it.
//
//   in use     somebody has the name open, or a name below it is kept: cannot be freed
//   unused     kept because it may be asked for again; given back, oldest first, when its tenant needs room
//
// A name keeps the one above it in use. That is why the bomb works: all of x/x/x/... is in use, and no cache that is
// cleaned when memory is short can help. It takes a limit on what one tenant may have.

#:project ../../src/Allot/Allot.csproj
#:property AllowUnsafeBlocks=true
#:property PublishAot=false

using System.Runtime.CompilerServices;
using System.Text;
using Allot;

const int AsPromised = 0, NotAsPromised = 1, BadArgument = 64;

switch (args)
{
    case []:
        bool isAsPromised = NamesBomb.Play();
        isAsPromised &= ThreadsBomb.Play();
        return isAsPromised ? AsPromised : NotAsPromised;
    case ["names"]:
        return NamesBomb.Play() ? AsPromised : NotAsPromised;
    case ["threads"]:
        return ThreadsBomb.Play() ? AsPromised : NotAsPromised;
    default:
        Console.Error.WriteLine("usage: bomb.cs [names | threads]");
        return BadArgument;
}

/// <summary>A host and its two tenants, with the limits of one column.</summary>
internal sealed class Host
{
    private const long HostMaxBytes = 8 << 20;
    private const long TenantMaxBytes = 2 << 20;

    private readonly MemoryController _tree;

    private Host(string title, long maxBytes, long tenantKernelMaxBytes)
    {
        Title = title;
        var limit = new MemoryGroupOptions { KernelMaxBytes = tenantKernelMaxBytes };
        _tree = new MemoryController(new MemoryGroupOptions { MaxBytes = maxBytes });
        Own = _tree.Root.CreateChild("host");
        Bomb = _tree.Root.CreateChild("bomb", limit);
        Neighbour = _tree.Root.CreateChild("neighbour", limit);
    }

    public static Host WithoutLimits() => new("no limit", MemoryGroup.Unlimited, MemoryGroup.Unlimited);

    public static Host WithOneLimit() =>
        new($"host {MemorySize.Format(HostMaxBytes)}", HostMaxBytes, MemoryGroup.Unlimited);

    public static Host WithALimitEach() =>
        new($"{MemorySize.Format(TenantMaxBytes)} each", HostMaxBytes, TenantMaxBytes);

    public string Title { get; }

    public MemoryGroup Root => _tree.Root;

    public MemoryGroup Own { get; }

    public MemoryGroup Bomb { get; }

    public MemoryGroup Neighbour { get; }
}

/// <summary>What the table says: a line for each name, a column for each host.</summary>
internal sealed class Table
{
    private readonly List<string> _titles = [];
    private readonly List<(string Name, List<string> Cells)> _lines = [];

    public void Add(string title, params (string Name, string Cell)[] column)
    {
        _titles.Add(title);
        for (int i = 0; i < column.Length; i++)
        {
            if (i == _lines.Count) _lines.Add((column[i].Name, []));
            _lines[i].Cells.Add(column[i].Cell);
        }
    }

    public void Print()
    {
        Console.WriteLine(Format("", _titles));
        foreach ((string name, List<string> cells) in _lines) Console.WriteLine(Format(name, cells));
        Console.WriteLine();
    }

    private static string Format(string name, List<string> cells) =>
        $"{name,-38}{string.Concat(cells.Select(cell => $"{cell,14}"))}";
}

/// <summary>mkdir x; cd x; and again, next to a neighbour that opens files. Both run at the same time.</summary>
internal static class NamesBomb
{
    private const int Rounds = 100;
    private const int LevelsEachRound = 1_000;
    private const int FilesLookedAt = 1_000;

    public static bool Play()
    {
        Console.WriteLine($"== names: the bomb has looked at {FilesLookedAt} files; now it makes x/x/x/...\n");
        var table = new Table();
        bool isAsPromised = Play(Host.WithoutLimits(), table) is
            { Bomb.Refused: 0, Neighbour.Refused: 0, IsAllBack: true };
        isAsPromised &= Play(Host.WithOneLimit(), table) is
            { Bomb.Refused: > 0, Neighbour.Refused: > 0, IsAllBack: true };
        isAsPromised &= Play(Host.WithALimitEach(), table) is
        {
            Bomb: { Refused: > 0, GaveBack: FilesLookedAt },
            Neighbour: { Refused: 0, GaveBack: 0 },
            IsAllBack: true,
        };
        table.Print();
        return isAsPromised;
    }

    private static (Session Bomb, Session Neighbour, bool IsAllBack) Play(Host host, Table table)
    {
        var names = new Names(host.Own);
        var bomb = new Session(names, host.Bomb);
        var neighbour = new Session(names, host.Neighbour);
        for (int i = 0; i < FilesLookedAt; i++) bomb.TryLookAt($"file-{i}");

        using var round = new Barrier(participantCount: 2);
        Thread[] both = [Start(() => bomb.Descend(LevelsEachRound)), Start(neighbour.Work)];
        foreach (Thread one in both) one.Join();

        table.Add(
            host.Title,
            ("bomb: levels of x/x/x/...", $"{bomb.Levels}"),
            ("bomb: its kernel memory then", MemorySize.Format(host.Bomb.Kernel.CurrentBytes)),
            ("bomb: unused names given back", $"{bomb.GaveBack}"),
            ("bomb: rounds refused", $"{bomb.Refused} of {Rounds}"),
            ("neighbour: unused names given back", $"{neighbour.GaveBack}"),
            ("neighbour: files opened", $"{neighbour.FilesOpened}"),
            ("neighbour: rounds refused", $"{neighbour.Refused} of {Rounds}"));
        Say(host, bomb.FirstRefusal ?? "nobody refuses the bomb");
        return (bomb, neighbour, GiveBack(host, names, bomb, neighbour));

        Thread Start(Action play)
        {
            var thread = new Thread(() =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    play();
                    round.SignalAndWait();
                }
            });
            thread.Start();
            return thread;
        }
    }

    private static bool GiveBack(Host host, Names names, Session bomb, Session neighbour)
    {
        MemoryCounter all = host.Root.Memory;
        long held = host.Bomb.Memory.CurrentBytes, before = all.CurrentBytes;
        host.Bomb.Remove();
        Say(host, $"'/bomb' removed; its {held} bytes belong to '/', which has {all.CurrentBytes} as before: {before}");

        int slabs = names.Shrink();
        bomb.Leave();
        Say(host, $"its names freed; '/' has {all.CurrentBytes} bytes; of {slabs} slabs {names.Shrink()} are left");

        neighbour.Leave();
        slabs = names.Remove();
        Say(host, $"all names freed; '/' has {all.CurrentBytes} bytes; {slabs} slabs are left\n");
        return all.CurrentBytes == 0 && slabs == 0
            && host.Root.ReadEvents() is { ReclaimErrors: 0, AccountingErrors: 0 };
    }

    private static void Say(Host host, string what) => Console.WriteLine($"{host.Title}: {what}");
}

/// <summary>One tenant at work in the tree of names. Used by one thread at a time.</summary>
internal sealed unsafe class Session
{
    private const int FilesOfWork = 64;
    private const int NewFilesEachRound = 16;

    private readonly Names _names;
    private readonly Tenant _tenant;
    private readonly Entry* _home;
    private Entry* _workingDirectory;
    private int _round;

    public Session(Names names, MemoryGroup group)
    {
        _names = names;
        _tenant = names.Admit(group);
        _home = names.Open(_tenant, names.Root, group.Name);
        _workingDirectory = names.Open(_tenant, names.Root, group.Name);
    }

    public int Levels { get; private set; }

    public int Refused { get; private set; }

    public string? FirstRefusal { get; private set; }

    public int FilesOpened { get; private set; }

    public int GaveBack => _tenant.GaveBack;

    /// <summary>mkdir x; cd x; so many times, or until it is refused.</summary>
    public void Descend(int levels)
    {
        for (int i = 0; i < levels; i++)
        {
            if (!TryOpen(_workingDirectory, "x", out Entry* below)) return;
            _names.Close(_workingDirectory);
            _workingDirectory = below;
            Levels++;
        }
    }

    /// <summary>A round of work: the same files as always, and some new ones.</summary>
    public void Work()
    {
        _round++;
        for (int i = 0; i < FilesOfWork; i++)
        {
            if (!TryLookAt($"work-{i}")) return;
        }

        for (int i = 0; i < NewFilesEachRound; i++)
        {
            if (!TryLookAt($"new-{_round}-{i}")) return;
        }
    }

    /// <summary>Opens and closes a file. Its name stays, unused, in case that somebody asks again.</summary>
    public bool TryLookAt(string name)
    {
        if (!TryOpen(_home, name, out Entry* file)) return false;
        _names.Close(file);
        FilesOpened++;
        return true;
    }

    /// <summary>Closes what it has open, and frees all names that it has caused and nobody uses.</summary>
    public void Leave()
    {
        _names.Close(_workingDirectory);
        _names.Close(_home);
        _names.Dismiss(_tenant);
    }

    private bool TryOpen(Entry* directory, string name, out Entry* entry)
    {
        try
        {
            entry = _names.Open(_tenant, directory, name);
            return true;
        }
        catch (MemoryLimitExceededException full)
        {
            // Nothing has changed. A bomb does not care, and tries again in its next round.
            FirstRefusal ??= $"after {Levels} levels, with {GaveBack} unused names given back: {full.Message}";
            Refused++;
            entry = null;
            return false;
        }
    }
}

/// <summary>Who pays for names. Gives back those that are not in use when its group needs room.</summary>
internal sealed unsafe class Tenant(Names names, MemoryGroup group, int number) : IReclaimer
{
    private int _unused;

    public MemoryGroup Group => group;

    public int Number => number;

    /// <summary>Ends what <see cref="Names.Admit"/> has begun.</summary>
    public IDisposable? Registration { get; set; }

    public int GaveBack { get; private set; }

    public ReclaimNeeds Needs => ReclaimNeeds.None;

    public long CountBytes(MemoryGroup _) => Volatile.Read(ref _unused) * names.BytesOfName;

    public long Reclaim(MemoryGroup _, long targetBytes)
    {
        int freed = names.FreeUnused(this, targetBytes);
        GaveBack += freed;   // one thread at a time reclaims below a limit; two limits are not met at once here
        return freed * names.BytesOfName;
    }

    // Of the unused ones; under the lock of the names, as all below.
    public Entry* Oldest, Newest;

    public void AddUnused(Entry* entry)
    {
        entry->Older = Newest;
        entry->Newer = null;
        if (Newest != null) Newest->Newer = entry; else Oldest = entry;
        Newest = entry;
        _unused++;
    }

    public void RemoveUnused(Entry* entry)
    {
        if (entry->Older != null) entry->Older->Newer = entry->Newer; else Oldest = entry->Newer;
        if (entry->Newer != null) entry->Newer->Older = entry->Older; else Newest = entry->Older;
        _unused--;
    }
}

/// <summary>A tree of names: entries and inodes of all tenants from two caches, found by a hash of the directory and
/// the name.</summary>
internal sealed unsafe class Names
{
    private const int Buckets = 1 << 14;

    private readonly ObjectCache<Entry> _entries = new("entries");
    private readonly ObjectCache<Inode> _inodes = new("inodes");
    private readonly GroupArray<nint> _buckets;
    private readonly List<Tenant> _tenants = [];
    private readonly Tenant _host;
    private readonly Lock _lock = new();   // of the buckets, and of the entries with their lists
    private long _inodeCount;

    public Names(MemoryGroup host)
    {
        _buckets = new GroupArray<nint>(host, Buckets, MemoryKind.Kernel);
        _host = Admit(host);
        Root = Open(_host, null, "/");
    }

    public Entry* Root { get; }

    /// <summary>What a tenant is charged for a name.</summary>
    public long BytesOfName => _entries.ObjectBytes + _inodes.ObjectBytes;

    public Tenant Admit(MemoryGroup group)
    {
        var tenant = new Tenant(this, group, _tenants.Count);
        _tenants.Add(tenant);
        tenant.Registration = group.Register(tenant, new ReclaimerOptions { Kind = MemoryKind.Kernel });
        return tenant;
    }

    public void Dismiss(Tenant tenant)
    {
        tenant.Registration?.Dispose();
        FreeUnused(tenant, long.MaxValue);
    }

    #region names-open
    public Entry* Open(Tenant tenant, Entry* directory, string name)
    {
        var key = new Key(directory, name);
        lock (_lock)
        {
            Entry* found = FindAndUse(key);
            if (found != null) return found;
        }

        // Outside of the lock: where the limit of the tenant refuses, this asks for its unused names, which takes it.
        Inode* inode = _inodes.Allocate(tenant.Group);
        Entry* entry;
        try
        {
            entry = _entries.Allocate(tenant.Group);
        }
        catch
        {
            _inodes.Free(inode);   // all of a name, or nothing
            throw;
        }

        long number = Interlocked.Increment(ref _inodeCount);
        *inode = new Inode { Number = number, MadeAt = Environment.TickCount64, Links = 1, Owner = tenant.Number };
        *entry = new Entry { Key = key, Inode = inode, Payer = tenant.Number, Users = 1 };
        lock (_lock)
        {
            Entry* found = FindAndUse(key);
            if (found != null)
            {
                Free(entry);   // somebody was faster
                return found;
            }

            if (directory != null) directory->Users++;
            ref nint bucket = ref _buckets[key.Bucket(Buckets)];
            entry->Next = (Entry*)bucket;
            bucket = (nint)entry;
            return entry;
        }
    }
    #endregion

    public void Close(Entry* entry)
    {
        lock (_lock) Release(entry);
    }

    /// <summary>Frees unused names of a tenant, the oldest first. A directory whose last name goes is unused then.
    /// </summary>
    /// <returns>How many.</returns>
    public int FreeUnused(Tenant tenant, long targetBytes)
    {
        int freed = 0;
        lock (_lock)
        {
            for (; freed * BytesOfName < targetBytes && tenant.Oldest != null; freed++)
            {
                Entry* oldest = tenant.Oldest;
                tenant.RemoveUnused(oldest);
                Unlink(oldest);
                if (oldest->Key.Directory != null) Release(oldest->Key.Directory);
                Free(oldest);
            }
        }

        return freed;
    }

    /// <summary>Gives back the slabs in which no name is any more.</summary>
    /// <returns>How many slabs there are.</returns>
    public int Shrink()
    {
        _entries.Shrink();
        _inodes.Shrink();
        return _entries.ReadStatistics().Slabs + _inodes.ReadStatistics().Slabs;
    }

    /// <summary>Ends it. Throws if a name is in use.</summary>
    /// <returns>How many slabs there are, once the last name has gone.</returns>
    public int Remove()
    {
        Close(Root);
        Dismiss(_host);
        int slabs = Shrink();
        _entries.Remove();
        _inodes.Remove();
        _buckets.Dispose();
        return slabs;
    }

    private Entry* FindAndUse(in Key key)
    {
        var entry = (Entry*)_buckets[key.Bucket(Buckets)];
        while (entry != null && !entry->Key.Equals(key)) entry = entry->Next;
        if (entry != null && entry->Users++ == 0) _tenants[entry->Payer].RemoveUnused(entry);
        return entry;
    }

    private void Release(Entry* entry)
    {
        if (--entry->Users == 0) _tenants[entry->Payer].AddUnused(entry);
    }

    private void Unlink(Entry* entry)
    {
        ref nint bucket = ref _buckets[entry->Key.Bucket(Buckets)];
        if (bucket == (nint)entry)
        {
            bucket = (nint)entry->Next;
            return;
        }

        var before = (Entry*)bucket;
        while (before->Next != entry) before = before->Next;
        before->Next = entry->Next;
    }

    private void Free(Entry* entry)
    {
        _inodes.Free(entry->Inode);
        _entries.Free(entry);
    }
}

/// <summary>A name in a directory, and what it stands for.</summary>
internal unsafe struct Entry
{
    public Key Key;
    public Inode* Inode;

    // The next one of its bucket; and of the unused ones of its payer, while Users is 0.
    public Entry* Next, Older, Newer;

    // Who has it open, and the names in it.
    public int Users;

    // The number of the tenant that was charged for it.
    public int Payer;
}

/// <summary>What a name stands for.</summary>
internal struct Inode
{
    public long Number, MadeAt;
    public int Links, Owner;
}

/// <summary>A directory, and a name in it: of at most 32 bytes, or it is an argument exception.</summary>
internal unsafe struct Key
{
    private readonly ulong _hash;
    private Characters _name;

    public Key(Entry* directory, string name)
    {
        Directory = directory;
        Encoding.UTF8.GetBytes(name, _name);
        var hash = new HashCode();
        hash.Add((nint)directory);
        hash.AddBytes(_name);
        _hash = (uint)hash.ToHashCode();
    }

    public Entry* Directory { get; }

    public readonly long Bucket(int buckets) => (long)(_hash % (uint)buckets);

    public readonly bool Equals(in Key other) => _hash == other._hash && Directory == other.Directory
        && ((ReadOnlySpan<byte>)_name).SequenceEqual(other._name);

    [InlineArray(32)]
    private struct Characters
    {
        private byte _first;
    }
}

/// <summary>A thread, and another one, and then a neighbour that needs four.</summary>
internal static class ThreadsBomb
{
    private const int ThreadsOfBomb = 64;
    private const int ThreadsOfNeighbour = 4;

    private static readonly GroupThreadOptions s_options = new() { StackBytes = 256 << 10, IsBackground = true };

    public static bool Play()
    {
        Console.WriteLine($"== threads: the bomb wants {ThreadsOfBomb}, then the neighbour {ThreadsOfNeighbour}\n");
        var table = new Table();
        bool isAsPromised = Play(Host.WithoutLimits(), table) is (ThreadsOfBomb, ThreadsOfNeighbour, 0);
        isAsPromised &= Play(Host.WithOneLimit(), table) is (< ThreadsOfBomb, < ThreadsOfNeighbour, 0);
        isAsPromised &= Play(Host.WithALimitEach(), table) is (< ThreadsOfBomb, ThreadsOfNeighbour, 0);
        table.Print();
        return isAsPromised;
    }

    private static (int OfBomb, int OfNeighbour, long LeftBytes) Play(Host host, Table table)
    {
        using var end = new ManualResetEventSlim();
        List<Thread> ofBomb = StartThreads(host.Bomb, ThreadsOfBomb, end, out ChargeRefusal refusal);
        string stacks = MemorySize.Format(host.Bomb.Kernel.CurrentBytes);
        List<Thread> ofNeighbour = StartThreads(host.Neighbour, ThreadsOfNeighbour, end, out _);
        string said = refusal.Reason == RefusalReason.None ? "nobody refuses the bomb" : $"{refusal}";
        Console.WriteLine($"{host.Title}: after {ofBomb.Count} threads: {said}");

        table.Add(
            host.Title,
            ("bomb: threads", $"{ofBomb.Count} of {ThreadsOfBomb}"),
            ("bomb: their stacks", stacks),
            ("neighbour: threads", $"{ofNeighbour.Count} of {ThreadsOfNeighbour}"));
        end.Set();
        foreach (Thread one in ofBomb.Concat(ofNeighbour)) one.Join();
        host.Bomb.Remove();
        Console.WriteLine($"{host.Title}: the threads have ended; '/' has {host.Root.Memory.CurrentBytes} bytes\n");
        return (ofBomb.Count, ofNeighbour.Count, host.Root.Memory.CurrentBytes);
    }

    private static List<Thread> StartThreads(
        MemoryGroup group, int count, ManualResetEventSlim end, out ChargeRefusal refusal)
    {
        var threads = new List<Thread>();
        refusal = default;
        while (threads.Count < count && GroupThread.TryStart(group, s_options, end.Wait, out refusal) is { } thread)
        {
            threads.Add(thread);
        }

        return threads;
    }
}
