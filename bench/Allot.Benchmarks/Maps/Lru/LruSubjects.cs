using Allot.Maps;
using Microsoft.Extensions.Caching.Memory;

namespace Allot.Benchmarks.Maps.Lru;

/// <summary>The map of Allot.</summary>
internal sealed class AllotLru(string name, int[] keys, int capacity, uint flags) : LruSubject(name, keys)
{
    private readonly LruHashMap<long, Value64> _map = new(new MemoryController().Root, capacity, flags);

    public override void Dispose()
    {
        _map.Dispose();
        base.Dispose();
    }

    protected override int Want(ReadOnlySpan<int> keys)
    {
        int hits = 0;
        long sum = 0;
        foreach (int key in keys)
        {
            if (_map.TryGetValue(key, out Value64 found))
            {
                hits++;
                sum += found.First;
            }
            else
            {
                _map.TrySet(key, new Value64 { First = key });
            }
        }

        Sink = sum;
        return hits;
    }
}

/// <summary>What everybody writes first: a dictionary of the nodes of a list, under a lock.</summary>
internal sealed class ListLru(int[] keys, int capacity) : LruSubject("Dictionary and LinkedList", keys)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, LinkedListNode<(long Key, Value64 Value)>> _nodes = new(capacity);
    private readonly LinkedList<(long Key, Value64 Value)> _list = new();

    public override bool Allocates => true;

    protected override int Want(ReadOnlySpan<int> keys)
    {
        int hits = 0;
        long sum = 0;
        foreach (int key in keys)
        {
            lock (_lock)
            {
                if (_nodes.TryGetValue(key, out LinkedListNode<(long Key, Value64 Value)>? node))
                {
                    hits++;
                    sum += node.Value.Value.First;
                    _list.Remove(node);
                }
                else
                {
                    if (_nodes.Count == capacity)
                    {
                        _nodes.Remove(_list.Last!.Value.Key);
                        _list.RemoveLast();
                    }

                    node = new((key, new Value64 { First = key }));
                    _nodes.Add(key, node);
                }

                _list.AddFirst(node);
            }
        }

        Sink = sum;
        return hits;
    }
}

/// <summary>The cache of .NET, with a limit of as many entries.</summary>
internal sealed class MemoryCacheLru(int[] keys, int capacity) : LruSubject("MemoryCache", keys)
{
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = capacity });

    public override bool Allocates => true;

    public override void Dispose()
    {
        _cache.Dispose();
        base.Dispose();
    }

    protected override int Want(ReadOnlySpan<int> keys)
    {
        int hits = 0;
        long sum = 0;
        foreach (int key in keys)
        {
            if (_cache.TryGetValue((long)key, out Value64 found))
            {
                hits++;
                sum += found.First;
                continue;
            }

            using ICacheEntry entry = _cache.CreateEntry((long)key);
            entry.Size = 1;
            entry.Value = new Value64 { First = key };
        }

        Sink = sum;
        return hits;
    }
}
