// The nodes of a trie: taken in chunks as they are needed, and given back with the map, because a program may still
// have the address of a value that was removed. Free nodes are taken again first.
//
// A chunk has an eighth of what there is, between 4 KiB and 1 MiB and one node at least, and never more nodes than the
// trie can ever have: so the most that it can ever be charged is known before.

using System.Diagnostics;

namespace Allot.Maps;

/// <remarks>Whoever changes it holds the lock of the trie; <see cref="Contains"/> takes none.</remarks>
internal sealed unsafe class TrieNodes(MapMemory memory, long nodeBytes, Int128 nodesMax)
{
    private const long ChunkBytesMin = 4 << 10;
    private const long ChunkBytesMax = 1 << 20;

    private Chunk[] _chunks = [];   // in the order of their addresses; replaced as a whole
    private TrieNode* _free;
    private byte* _fresh;           // the next node of the newest chunk that nobody has had yet
    private long _freshCount;
    private Int128 _nodeCount;

    /// <summary>The bytes that so many nodes are charged, if there are never more.</summary>
    public static long MostBytesOf(long nodeBytes, Int128 nodesMax)
    {
        Int128 bytes = 0;
        Int128 nodes = 0;
        while (nodes < nodesMax)
        {
            Int128 added = NextChunk(nodes, nodeBytes, nodesMax);
            Int128 charge = MapMemory.ChargeOf((long)added * nodeBytes);

            // From here on all chunks are as large as they get, but the last one.
            Int128 alike = added * nodeBytes + nodeBytes > ChunkBytesMax ? (nodesMax - nodes) / added : 1;
            bytes += charge * alike;
            nodes += added * alike;
        }

        return MemlockFormulas.Limited(bytes);
    }

    /// <summary>A node of undefined content.</summary>
    /// <returns>Null when memory was refused; nothing has changed.</returns>
    public TrieNode* TryTake()
    {
        if (_free != null)
        {
            TrieNode* node = _free;
            _free = node->Zero;
            return node;
        }

        if (_freshCount == 0 && !TryAddChunk()) return null;
        var fresh = (TrieNode*)_fresh;
        _fresh += nodeBytes;
        _freshCount--;
        return fresh;
    }

    public void Give(TrieNode* node)
    {
        node->Zero = _free;
        _free = node;
    }

    /// <summary>Whether bytes lie in one node, and from so many bytes after its start on.</summary>
    public bool Contains(ulong address, ulong bytes, long offset)
    {
        Chunk[] chunks = Volatile.Read(ref _chunks);
        int low = 0;
        for (int high = chunks.Length; low < high;)
        {
            int middle = (low + high) / 2;
            if (chunks[middle].Start <= address) low = middle + 1;
            else high = middle;
        }

        if (low == 0) return false;
        Chunk chunk = chunks[low - 1];
        ulong at = address - chunk.Start;
        if (at >= chunk.Bytes) return false;
        ulong within = at % (ulong)nodeBytes;
        return within >= (ulong)offset && bytes <= (ulong)nodeBytes - within;
    }

    private static Int128 NextChunk(Int128 nodes, long nodeBytes, Int128 nodesMax)
    {
        Int128 bytes = Int128.Clamp(nodes * nodeBytes / 8, ChunkBytesMin, ChunkBytesMax);
        return Int128.Min(Int128.Max(bytes / nodeBytes, 1), nodesMax - nodes);
    }

    private bool TryAddChunk()
    {
        Debug.Assert(_nodeCount < nodesMax, "A trie never has more nodes than it can have.");
        var nodes = (long)NextChunk(_nodeCount, nodeBytes, nodesMax);
        byte* start = memory.TryAllocate(nodes * nodeBytes);
        if (start == null) return false;
        var chunk = new Chunk((ulong)start, (ulong)(nodes * nodeBytes));
        int at = 0;
        while (at < _chunks.Length && _chunks[at].Start < chunk.Start) at++;
        Volatile.Write(ref _chunks, [.. _chunks[..at], chunk, .. _chunks[at..]]);
        _nodeCount += nodes;
        _fresh = start;
        _freshCount = nodes;
        return true;
    }

    private readonly record struct Chunk(ulong Start, ulong Bytes);
}
