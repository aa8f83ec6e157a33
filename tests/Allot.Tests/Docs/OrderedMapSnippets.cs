using System.Net;
using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to caches, routes and queues, compiled and run.</summary>
public sealed class OrderedMapSnippets
{
    private readonly MemoryGroup _acme = new MemoryController().Root.CreateChild("acme", new() { MaxBytes = 64 << 20 });

    [Fact]
    public void Caches()
    {
        MemoryGroup acme = _acme;
        long user = 7;
        static Profile Load(long user) => new() { User = user };

        #region maps-lru
        using var profiles = new LruHashMap<long, Profile>(acme, capacity: 100_000);
        if (!profiles.TryGetValue(user, out Profile profile))
        {
            profile = Load(user);
            profiles.TrySet(user, profile);                // drops some that nobody asked for since long, if it is full
        }
        #endregion

        Assert.Equal(7, profile.User);
        Assert.Equal(1, profiles.Count);

        #region maps-lru-walk
        foreach ((long key, Profile value) in profiles) Console.WriteLine($"{key}: {value.User}");
        #endregion

        Assert.Equal(profiles.Map.ChargedBytes, acme.Kernel.CurrentBytes);
    }

    [Fact]
    public void Counters()
    {
        MemoryGroup acme = _acme;

        #region maps-percpu-array
        using var hits = new PerCpuArrayMap<long>(acme, length: 16);
        Interlocked.Increment(ref hits[3]);            // of the processor that runs this
        long total = 0;
        hits.TryGetValues(3, out PerCpuValues<long> values);
        foreach (long value in values) total += value;
        #endregion

        Assert.Equal(1, total);
        long user = 7;

        #region maps-percpu-hash
        using var byUser = new PerCpuHashMap<long, long>(acme, capacity: 10_000, MapFlags.NoPreallocation);
        byUser.TryAdd(user, 0);                        // false when somebody else has added it, or there is no room
        ref long mine = ref byUser.GetReference(user);
        if (!Unsafe.IsNullRef(ref mine)) Interlocked.Increment(ref mine);

        long[] taken = new long[byUser.ProcessorCount];
        if (byUser.TryRemove(user, taken)) Console.WriteLine($"{user}: {taken.Sum()}");
        byUser.TrySetAll(user, new long[byUser.ProcessorCount]);   // of all processors at once
        foreach ((long key, PerCpuValues<long> of) in byUser) Console.WriteLine($"{key}: {of[0]} on processor 0");
        #endregion

        Assert.Equal(1, taken.Sum());
    }

    [Fact]
    public void Routes()
    {
        MemoryGroup acme = _acme;

        #region maps-lpm
        using var routes = new LpmTrie<uint, int>(acme, capacity: 1_000_000);
        static uint Bits(string address) => BitConverter.ToUInt32(IPAddress.Parse(address).GetAddressBytes());
        routes.TrySet(Bits("10.0.0.0"), bits: 8, 1);
        routes.TrySet(Bits("10.1.0.0"), bits: 16, 2);
        routes.TryMatch(Bits("10.1.2.3"), out int route);  // 2
        routes.TryRemove(Bits("10.1.0.0"), bits: 16);
        routes.TryMatch(Bits("10.1.2.3"), out int wider);  // 1
        #endregion

        Assert.Equal((2, 1), (route, wider));
    }

    [Fact]
    public void Queues()
    {
        MemoryGroup acme = _acme;

        #region maps-queue
        using var jobs = new QueueMap<long>(acme, capacity: 1000);
        bool isAccepted = jobs.TryEnqueue(1);              // false when it is full
        jobs.EnqueueOverOldest(2);                         // always: the oldest goes
        bool isThere = jobs.TryDequeue(out long job);
        using var undo = new StackMap<long>(acme, capacity: 1000);
        undo.PushOverOldest(job);
        #endregion

        Assert.True(isAccepted && isThere);
        Assert.Equal(1, job);
    }

    [Fact]
    public void Filters()
    {
        MemoryGroup acme = _acme;
        static bool AskTheDisk(long key) => key == 7;

        #region maps-bloom
        using var written = new BloomFilter<long>(acme, capacity: 1_000_000);
        written.Add(7);
        bool isOnDisk = written.MayContain(8) && AskTheDisk(8);   // asks the disk about 1 of 100 that are not there
        #endregion

        Assert.False(isOnDisk);
    }

    private struct Profile
    {
        public long User;
    }
}
