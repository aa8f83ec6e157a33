// Which node has which key. A bucket is the number of its first node, and a version that is also its lock: odd while
// somebody changes the bucket. Readers take no lock. They look, and look again if the version is another one.
//
// Why that is enough. A node is filled before it is linked, and is unlinked before it is filled anew, both under the
// lock of its bucket: whoever reads a node of a bucket while it is filled anew finds, at the end, another version.
// Numbers of nodes are always of nodes that there are, so a reader that runs astray reads memory of the map; and it
// does not run far, because it reads the version at each step.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

internal readonly unsafe struct LruIndex(LruBucket* buckets, uint mask, LruNodes nodes)
{
    private const uint Changing = 1;

    public uint BucketCount => mask + 1;

    public LruNodes Nodes { get; } = nodes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LruBucket* BucketOf(uint hash) => buckets + (hash & mask);

    public LruBucket* BucketAt(uint number) => buckets + number;

    public uint NumberOf(LruBucket* bucket) => (uint)(bucket - buckets);

    /// <summary>The version of a bucket that nobody changes now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint BeginRead(LruBucket* bucket)
    {
        uint version = Volatile.Read(ref bucket->Version);
        return (version & Changing) == 0 ? version : WaitForChange(bucket);
    }

    /// <summary>Whether what was read since is of that version.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsStill(LruBucket* bucket, uint version)
    {
        Volatile.ReadBarrier();
        return bucket->Version == version;
    }

    public static void Lock(LruBucket* bucket)
    {
        uint version = Volatile.Read(ref bucket->Version) & ~Changing;
        if (Interlocked.CompareExchange(ref bucket->Version, version + Changing, version) != version) LockLater(bucket);
    }

    public static void Unlock(LruBucket* bucket)
    {
        Debug.Assert((bucket->Version & Changing) != 0, "Only who has locked a bucket unlocks it.");
        Volatile.Write(ref bucket->Version, bucket->Version + Changing);
    }

    /// <summary>The node of a key in a bucket of that version; -1 when there is none, or the version is another one:
    /// ask
    /// <see cref="IsStill"/> either way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Search(LruBucket* bucket, uint version, uint hash, byte* key)
    {
        int link = bucket->First;
        while (link != 0)
        {
            ref LruNode node = ref Nodes[link - 1];
            if (node.Hash == hash && Nodes.IsKeyOf(link - 1, key)) return link - 1;
            link = node.Chain;
            if (Volatile.Read(ref bucket->Version) != version) return -1;
        }

        return -1;
    }

    /// <summary>The node of a key in a bucket that the caller has locked; -1 when there is none.</summary>
    public int Find(LruBucket* bucket, uint hash, byte* key) => Search(bucket, bucket->Version, hash, key);

    /// <summary>Whether a node is in a bucket that the caller has locked.</summary>
    public bool Has(LruBucket* bucket, int node)
    {
        int link = bucket->First;
        while (link != 0 && link != node + 1) link = Nodes[link - 1].Chain;
        return link != 0;
    }

    public void Link(LruBucket* bucket, int node)
    {
        Nodes[node].Chain = bucket->First;
        bucket->First = node + 1;
    }

    /// <returns>False when the node is not in the bucket.</returns>
    public bool Unlink(LruBucket* bucket, int node)
    {
        ref int link = ref bucket->First;
        while (link != 0)
        {
            if (link == node + 1)
            {
                link = Nodes[node].Chain;
                return true;
            }

            link = ref Nodes[link - 1].Chain;
        }

        return false;
    }

    /// <summary>Removes a node, whoever has its key.</summary>
    /// <returns>False when somebody else removes it, or has not linked it yet.</returns>
    public bool TryRemove(int node)
    {
        LruBucket* bucket = BucketOf(Nodes[node].Hash);
        Lock(bucket);
        bool isRemoved = Unlink(bucket, node);
        Unlock(bucket);
        return isRemoved;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint WaitForChange(LruBucket* bucket)
    {
        var wait = default(SpinWait);
        while (true)
        {
            uint version = Volatile.Read(ref bucket->Version);
            if ((version & Changing) == 0) return version;
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LockLater(LruBucket* bucket)
    {
        while (true)
        {
            uint version = WaitForChange(bucket);
            if (Interlocked.CompareExchange(ref bucket->Version, version + Changing, version) == version) return;
        }
    }
}
