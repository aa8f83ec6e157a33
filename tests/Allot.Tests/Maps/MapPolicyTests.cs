using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>Policies are told of what a map is charged when the map has left its locks: they, and threads that they
/// wait for, may use the same map.</summary>
public sealed unsafe class MapPolicyTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("maps");

    [Fact]
    public void A_hash_that_grows_is_used_by_who_is_told()
    {
        using var map = new HashMap<long, long>(_group, 10_000, MapFlags.NoPreallocation);
        Assert.True(map.TryAdd(-1, 0));
        int told = Watch(() => Assert.True(map.TrySet(-1, map.GetReference(-1) + 1)), () =>
        {
            for (long key = 0; key < 5000; key++) Assert.True(map.TryAdd(key, key));
        });
        Assert.Equal(2 * told, map.GetReference(-1));
        map.Map.Validate();
    }

    [Fact]
    public void A_trie_that_grows_is_used_by_who_is_told()
    {
        using var map = (LpmTrie)GroupMap.Create(_group, new MapDefinition
        {
            Type = MapType.LpmTrie,
            KeyBytes = 8,
            ValueBytes = 8,
            Capacity = 2000,
            Flags = MapFlags.NoPreallocation,
        });
        Assert.Equal(0, Put(0));
        _ = Watch(() => Assert.Equal(0, Put(0)), () =>
        {
            for (uint number = 1; number < 1000; number++) Assert.Equal(0, Put(number));
        });

        int Put(uint number)
        {
            ulong key = 32 | ((ulong)number << 32), value = number;
            return map.Update((byte*)&key, (byte*)&value, flags: 0);
        }
    }

    [Fact]
    public void An_arena_is_used_by_who_is_told()
    {
        using var arena = (ArenaMap)GroupMap.Create(
            _group, new MapDefinition { Type = MapType.Arena, Capacity = 100, Flags = MapFlags.Mappable });
        byte* first = arena.AllocatePages(1);
        _ = Watch(() => Assert.True(arena.TryTouch(0, out _)), () =>
        {
            byte* more = arena.AllocatePages(10);
            Assert.True(more != null);
            arena.FreePages(more, 10);
        });
        arena.FreePages(first, 1);
    }

    [Fact]
    public void A_queue_of_packets_is_used_by_who_is_told()
    {
        using var map = (CpuMap)GroupMap.Create(
            _group, new MapDefinition { Type = MapType.CpuMap, KeyBytes = 4, ValueBytes = 4, Capacity = 4 });
        uint key = 0, slots = 16;
        Assert.Equal(0, map.Update((byte*)&key, (byte*)&slots, flags: 0));
        PacketInbox queue = map.QueueOf(0)!;
        _ = Watch(() => Assert.InRange(queue.Count, 0, 16), () =>
        {
            Assert.True(queue.TrySend([1, 2, 3]));
            Assert.True(queue.TryReceive(out Packet packet));
            packet.Dispose();
        });
    }

    [Fact]
    public void A_storage_is_used_by_who_is_told()
    {
        var owner = new Thread(static () => { });
        MemoryGroup removed = _group.CreateChild("removed");
        using var threads = new TaskStorage(_group, Storage(MapType.TaskStorage));
        using var groups = new GroupStorage(_group, Storage(MapType.CgroupOwnedStorage));
        Assert.Equal(0, groups.Set(_group, new byte[8]));
        _ = Watch(() => Assert.True(groups.TryGet(_group, out StorageUse use) && Ends(use)), () =>
        {
            Assert.Equal(0, threads.Set(owner, new byte[8]));
            Assert.Equal(0, groups.Set(removed, new byte[8]));
            Assert.Equal(0, threads.Delete(owner));
            removed.Remove();
            Assert.Equal(1, groups.Count);
        });

        static bool Ends(StorageUse use)
        {
            use.Dispose();
            return true;
        }
    }

    [Theory]
    [InlineData(MapType.CgroupStorage)]
    [InlineData(MapType.PerCpuCgroupStorage)]
    public void A_storage_of_attached_groups_is_used_by_who_is_told(MapType type)
    {
        using var storage = (CgroupStorage)GroupMap.Create(
            _group, new MapDefinition { Type = type, KeyBytes = 16, ValueBytes = 8 });
        Assert.Equal(0, storage.Attach(_group));
        _ = Watch(() => Assert.True(storage.Find(_group) != null), () => Assert.Equal(0, storage.Attach(_group, 7)));
    }

    private static MapDefinition Storage(MapType type) =>
        new() { Type = type, KeyBytes = 4, ValueBytes = 8, Flags = MapFlags.NoPreallocation };

    // The policy uses the map itself, and waits for another thread that does.
    private int Watch(Action uses, Action work)
    {
        int told = 0;
        Exception? failure = null;
        void Tell()
        {
            told++;
            Try();
            var other = new Thread(Try);
            other.Start();
            if (!other.Join(s_deadline)) failure ??= new TimeoutException("A lock of the map is held.");
        }

        void Try()
        {
            try
            {
                uses();
            }
            catch (Exception e)
            {
                failure ??= e;
            }
        }

        using (_group.Attach(new MemoryPolicy
        {
            Charged = _ =>
            {
                Tell();
                return TimeSpan.Zero;
            },
            Uncharged = _ => Tell(),
        }))
        {
            work();
        }

        Assert.Null(failure);
        Assert.True(told > 0, "Nobody was told.");
        return told;
    }
}
