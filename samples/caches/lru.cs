// What does a cache do that shares one memory limit with everything else?
//
//   dotnet run samples/caches/lru.cs
//
// Two caches of native memory and a worker live below one limit of 16 MiB. Nobody sets the size of the caches: they
// grow into what is free, and when the worker needs room, the least recently used blocks are really freed. The cache of
// prices is protected up to 4 MiB; the other one gives first.

#:project ../../src/Allot/Allot.csproj
#:property AllowUnsafeBlocks=true
#:property PublishAot=false

using System.Runtime.InteropServices;
using Allot;

var tree = new MemoryController(new MemoryGroupOptions { MaxBytes = 16 << 20 });
MemoryGroup prices = tree.Root.CreateChild("prices", new MemoryGroupOptions { LowBytes = 4 << 20 });
MemoryGroup pages = tree.Root.CreateChild("pages");
MemoryGroup worker = tree.Root.CreateChild("worker");

using var priceCache = new LruCache(prices);
using var pageCache = new LruCache(pages);
for (int key = 0; key < 96; key++)
{
    priceCache.Add(key, blockBytes: 64 << 10);
    pageCache.Add(key, blockBytes: 64 << 10);
}

Show("the caches have been filled");

worker.Charge(MemoryKind.User, 8 << 20);
Show("the worker has taken 8 MiB");
worker.Uncharge(MemoryKind.User, 8 << 20);

long freed = tree.Root.Reclaim(2 << 20);
Show($"{freed >> 10} KiB were given back on demand");
bool keptItsShare = prices.Memory.CurrentBytes >= (4 << 20) - (64 << 10);
priceCache.Dispose();
pageCache.Dispose();
Show("the caches are gone");
return keptItsShare && tree.Root.Memory.CurrentBytes == 0 && LruCache.NativeBlocks == 0 ? 0 : 1;

void Show(string when) => Console.WriteLine(
    $"{when}: prices {prices.Memory.CurrentBytes >> 10} KiB, pages {pages.Memory.CurrentBytes >> 10} KiB, "
    + $"all {tree.Root.Memory.CurrentBytes >> 10} of {tree.Root.Memory.MaxBytes >> 10} KiB, "
    + $"{LruCache.NativeBlocks} blocks");

/// <summary>Blocks of native memory by key, charged to a group. The least recently used are freed when the group, or
/// one above it, needs room.</summary>
internal sealed unsafe class LruCache : IReclaimer, IDisposable
{
    private readonly MemoryGroup _group;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, LinkedListNode<Block>> _byKey = [];
    private readonly LinkedList<Block> _byUse = new();   // most recently used first
    private readonly IDisposable _registration;
    private long _bytes;

    public LruCache(MemoryGroup group)
    {
        _group = group;
        _registration = group.Register(this);
    }

    public ReclaimNeeds Needs => ReclaimNeeds.None;

    public bool Touch(int key)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue(key, out LinkedListNode<Block>? node)) return false;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return true;
        }
    }

    #region reclaimer
    public void Add(int key, int blockBytes)
    {
        // Charged first, and outside of the lock: a charge that finds no room asks this very cache for some.
        _group.Charge(MemoryKind.User, blockBytes);
        var block = new Block(key, (nint)NativeMemory.Alloc((nuint)blockBytes), blockBytes);
        Interlocked.Increment(ref s_nativeBlocks);
        lock (_lock)
        {
            if (_byKey.TryAdd(key, new LinkedListNode<Block>(block)))
            {
                _byUse.AddFirst(_byKey[key]);
                _bytes += blockBytes;
                return;
            }
        }

        Free(block);   // somebody was faster
    }

    public long CountBytes(MemoryGroup group) => Interlocked.Read(ref _bytes);

    public long Reclaim(MemoryGroup group, long targetBytes)
    {
        long freed = 0;
        while (freed < targetBytes && TakeOldest() is { } oldest)
        {
            Free(oldest);
            freed += oldest.Bytes;
        }

        return freed;
    }
    #endregion

    public void Dispose()
    {
        _registration.Dispose();
        Reclaim(_group, long.MaxValue);
    }

    private Block? TakeOldest()
    {
        lock (_lock)
        {
            if (_byUse.Last is not { } node) return null;
            _byUse.RemoveLast();
            _byKey.Remove(node.Value.Key);
            _bytes -= node.Value.Bytes;
            return node.Value;
        }
    }

    private void Free(Block block)
    {
        NativeMemory.Free((void*)block.Address);
        Interlocked.Decrement(ref s_nativeBlocks);
        _group.Uncharge(MemoryKind.User, block.Bytes);
    }

    private sealed record Block(int Key, nint Address, int Bytes);

    private static int s_nativeBlocks;

    public static int NativeBlocks => s_nativeBlocks;
}
