using Allot.Maps;
using Allot.Tests.Maps.Types;

namespace Allot.Tests.Maps;

/// <summary>What a kernel showed as memlock of maps of objects, empty and with elements.</summary>
public sealed class FilledMemlockTests
{
    private static readonly KernelProfile s_kernel = KernelProfile.Default with { Processors = 2 };

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    [Fact]
    public void A_hash_of_devices_has_64_bytes_more_for_a_device()
    {
        using var map = new DevMapHash(_group, Shape(MapType.DevMapHash, 4, 4, 100));
        Assert.Equal(1368, map.MemlockBytesOf(s_kernel));
        map.Put(1, new Device());
        Assert.Equal(1432, map.MemlockBytesOf(s_kernel));
    }

    [Fact]
    public void A_hash_of_maps_that_come_one_by_one_has_72_bytes_more_for_a_map()
    {
        MapDefinition shape = Shape(MapType.HashOfMaps, 4, 4, 100);
        using var map = new HashOfMaps(
            _group, shape with { Flags = MapFlags.NoPreallocation, InnerMap = MapSamples.Inner });
        Assert.Equal(2944, map.MemlockBytesOf(s_kernel));
        using GroupMap inner = GroupMap.Create(_group, MapSamples.Inner);
        for (int key = 0; key < 10; key++) map.Put(BitConverter.GetBytes(key), inner);
        Assert.Equal(3664, map.MemlockBytesOf(s_kernel));
    }

    [Fact]
    public void A_hash_of_sockets_has_56_bytes_more_for_a_socket()
    {
        using var map = new SockHash(_group, Shape(MapType.SockHash, 4, 8, 4));
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
        Assert.Equal(448, map.MemlockBytesOf(s_kernel));
        Assert.Equal(0, map.Put(new byte[4], socket));
        Assert.Equal(504, map.MemlockBytesOf(s_kernel));
    }

    [Fact]
    public void A_queue_of_a_processor_a_value_of_an_owner_and_pages_of_an_arena_are_not_shown()
    {
        using var queues = new CpuMap(_group, Shape(MapType.CpuMap, 4, 8, 2));
        Assert.Equal(320, queues.MemlockBytesOf(s_kernel));
        Assert.Equal(0, queues.Put(0, 64));
        Assert.Equal(320, queues.MemlockBytesOf(s_kernel));
        MapDefinition storageShape = Shape(MapType.SocketStorage, 4, 8, 0) with { Flags = MapFlags.NoPreallocation };
        using var storage = new SocketStorage(_group, storageShape);
        Assert.Equal(480, storage.MemlockBytesOf(s_kernel));
        using var arena = new ArenaMap(_group, Shape(MapType.Arena, 0, 0, 100) with { Flags = MapFlags.Mappable });
        for (int page = 0; page < 50; page++) Assert.True(arena.TryTouch(page, out _));
        Assert.Equal(0, arena.MemlockBytesOf(s_kernel));
        Assert.True(arena.ChargedBytes >= 50 * 4096);
    }

    private static MapDefinition Shape(MapType type, int keyBytes, int valueBytes, int capacity) =>
        new() { Type = type, KeyBytes = keyBytes, ValueBytes = valueBytes, Capacity = capacity };

    private sealed class Device : IPacketSink
    {
        public bool TrySend(ReadOnlySpan<byte> packet) => true;
    }
}
