// What a map of each type is for, done at random, so that every type is really used: elements come, are replaced and
// go, rings are written and read, tables are registered. A type that has no line of its own here is a map of keys and
// values, or of values only.

using System.Runtime.CompilerServices;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Types;

/// <summary>Random work with one map.</summary>
internal sealed unsafe class MapWork
{
    private const int Keys = 1500;

    private readonly GroupMap _map;
    private readonly MapOwners _owners;

    public MapWork(GroupMap map, MapOwners owners)
    {
        _map = map;
        _owners = owners;
        if (map is StructOpsMap table) table.SetTarget(new Target());
    }

    /// <summary>Does one thing.</summary>
    /// <returns>What the map said: an error of Linux below 0. -12 (ENOMEM) where a limit refused.</returns>
    public int Do(Prng random) => _map switch
    {
        RingMap ring => DoRing(ring, random),
        PerfEventArray events => DoEvents(events, random),
        ArenaMap arena => DoPages(arena, random),
        CgroupStorage storage => DoAttached(storage, random),
        StackTraceMap traces => DoTraces(traces, random),
        _ => DoElements(random),
    };

    private int DoElements(Prng random)
    {
        int keyBytes = _map.Definition.KeyBytes;
        byte* key = stackalloc byte[Math.Max(8, keyBytes)], next = stackalloc byte[Math.Max(8, keyBytes)];
        byte* value = stackalloc byte[(int)Math.Max(8, _map.HostValueBytes)];
        new Span<byte>(key, Math.Max(8, keyBytes)).Clear();
        new Span<byte>(value, (int)_map.HostValueBytes).Clear();
        Unsafe.WriteUnaligned(key, KeyOf(random));
        if (_map.Definition.ValueBytes >= 4) Unsafe.WriteUnaligned(value, ValueOf(random));
        byte* keyOrNone = keyBytes == 0 ? null : key;
        return random.Below(7) switch
        {
            0 or 1 or 2 => _map.Write(keyOrNone, value),
            3 when keyOrNone != null => _map.Remove(keyOrNone),
            4 => _map.LookupAndDelete(keyOrNone, value),
            5 when keyOrNone != null => _map.NextKey(keyOrNone, next),
            _ => _map.Read(keyOrNone, value),
        };
    }

    // A prefix of few bits and its first address; or the number of an owner; or any.
    private ulong KeyOf(Prng random) => _map switch
    {
        LpmTrie => (uint)random.Below(33) | ((ulong)random.Next() << 32),
        GroupStorage => MapHandles.Of(random.Pick(_owners.Groups)),
        TaskStorage => MapHandles.Of(random.Pick(_owners.Threads)),
        SocketStorage => MapHandles.Of(random.Pick(_owners.Sockets)),
        FileStorage => MapHandles.Of(random.Pick(_owners.Files)),
        StructOpsMap => 0,
        _ => (uint)random.Below(Keys),
    };

    private uint ValueOf(Prng random) => _map switch
    {
        ArrayOfMaps or HashOfMaps => MapHandles.Of(random.Pick(_owners.Maps)),
        DevMap or DevMapHash or XskMap => MapHandles.Of(random.Pick(_owners.Devices)),
        SockMap or SockHash or ReuseportSockArray => MapHandles.Of(random.Pick(_owners.Sockets)),
        CgroupArray => MapHandles.Of(random.Pick(_owners.Groups)),
        CpuMap => (uint)random.Below(64),
        StructOpsMap => 0,
        _ => (uint)random.Next(),
    };

    private int DoRing(RingMap ring, Prng random)
    {
        if (random.OneIn(2)) return ring.TryWrite(new byte[random.Below(200)]) ? MapErrors.None : MapErrors.TryAgain;
        if (ring is UserRingBuffer user) return user.Drain(static (_, _) => true, state: 0);
        lock (_owners) return ((RingBuffer)ring).Consume(static (_, _) => true, state: 0);   // one consumer at a time
    }

    private static int DoEvents(PerfEventArray events, Prng random)
    {
        int index = random.Below((int)events.Definition.Capacity);
        switch (random.Below(8))
        {
            case 0:
                try
                {
                    _ = events.Open(index, ringBytes: 4096 << random.Below(3));
                    return MapErrors.None;
                }
                catch (MemoryLimitExceededException refused)
                {
                    Assert.Equal(events.LastRefusal.Limiter, refused.Refusal.Limiter);
                    return MapErrors.NoMemory;
                }

            case 1:
                return events.Remove((byte*)&index);
            default:
                return events.Output((uint)index, new byte[random.Below(200)]);
        }
    }

    private static int DoPages(ArenaMap arena, Prng random)
    {
        int pages = 1 + random.Below(4), at = random.Below((int)arena.Definition.Capacity - pages);
        if (random.OneIn(3)) return arena.TryTouch(at, out _) ? MapErrors.None : MapErrors.NoMemory;
        byte* first = arena.AllocatePages(pages, random.OneIn(2) ? at : null);
        if (first == null) return MapErrors.Busy;   // or a limit refused
        if (random.OneIn(2)) arena.FreePages(first, pages);
        return MapErrors.None;
    }

    private int DoAttached(CgroupStorage storage, Prng random)
    {
        MemoryGroup owner = random.Pick(_owners.Groups);
        uint place = (uint)random.Below(30);
        if (random.OneIn(2)) return storage.Attach(owner, place);
        if (random.OneIn(2)) return storage.Detach(owner, place);
        return storage.Find(owner, place) == null ? MapErrors.NotFound : MapErrors.None;
    }

    private static int DoTraces(StackTraceMap traces, Prng random)
    {
        if (random.OneIn(2)) return traces.Keep([random.Next(), 1, 2], StackTraceMap.ReuseNumber);
        int number = random.Below(128);
        return traces.Remove((byte*)&number);
    }

    private sealed class Target : IStructOpsTarget
    {
        public bool TryRegister(IReadOnlyList<Delegate?> functions, ReadOnlySpan<byte> data) => true;

        public void Unregister()
        {
        }
    }
}
