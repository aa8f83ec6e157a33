using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>Maps of what packets are redirected to: the rows of Linux, and that packets arrive.</summary>
public sealed class RedirectMapTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    [Fact]
    public unsafe void A_map_of_devices_takes_numbers_of_devices()
    {
        using var map = Create<DevMap>(MapType.DevMap, 8);
        var device = new Device();
        ulong number = MapHandles.Of(device), none = 0, absent = uint.MaxValue, read = 0;
        uint key = 1, high = 4;
        Assert.Equal(-2, map.Read((byte*)&key, (byte*)&read));
        Assert.Equal(0, map.Write((byte*)&key, (byte*)&number, 2));   // EXIST is not enforced
        Assert.Equal(-17, map.Write((byte*)&key, (byte*)&number, 1));
        Assert.Equal(-22, map.Write((byte*)&key, (byte*)&number, 3));
        Assert.Equal(-22, map.Write((byte*)&key, (byte*)&absent));
        Assert.Equal(-7, map.Write((byte*)&high, (byte*)&number));
        Assert.Equal(-2, map.Read((byte*)&high, (byte*)&read));
        Assert.Equal(-22, map.Remove((byte*)&high));
        Assert.Equal(0, map.Read((byte*)&key, (byte*)&read));
        Assert.Equal(number, read);
        Assert.Equal(-524, map.LookupAndDelete((byte*)&key, (byte*)&read));
        Assert.True(((IRedirectMap)map).Target(1)!.TrySend([1, 2]));
        Assert.Equal([1, 2], device.Last);
        Assert.Equal(0, map.Write((byte*)&key, (byte*)&none));
        Assert.Equal(0, map.Count);
        Assert.Equal(0, map.Remove((byte*)&key));
        Assert.Equal(0, map.Remove((byte*)&key));
    }

    [Fact]
    public unsafe void A_hash_of_devices_has_keys_of_any_number()
    {
        using var map = Create<DevMapHash>(MapType.DevMapHash, 4);
        var device = new Device();
        uint number = MapHandles.Of(device), none = 0, read = 0, key = 1_000_000;
        Assert.Equal(-22, map.Write((byte*)&key, (byte*)&none));
        Assert.Equal(-2, map.Read((byte*)&key, (byte*)&read));
        Assert.Equal(-2, map.Remove((byte*)&key));
        Assert.Equal(0, map.Write((byte*)&key, (byte*)&number, 2));
        Assert.Equal(-17, map.Write((byte*)&key, (byte*)&number, 1));
        Assert.Equal(-22, map.Write((byte*)&key, (byte*)&number, 3));
        Assert.Equal(1, map.Count);
        for (uint more = 0; more < 3; more++) Assert.Equal(0, map.Put(more, device));
        Assert.Equal(-7, map.Put(3, device));
        Assert.Equal(4, ((IRedirectMap)map).Broadcast([9], exceptNumber: 0));
        Assert.Equal(0, ((IRedirectMap)map).Broadcast([9], number));
        Assert.Equal(0, map.Remove((byte*)&key));
    }

    [Fact]
    public void A_packet_goes_to_all_devices_but_one()
    {
        using var map = Create<DevMap>(MapType.DevMap, 4);
        Device first = new(), second = new(), third = new();
        map.Put(0, first);
        map.Put(2, second);
        map.Put(3, third);
        Assert.Equal(2, ((IRedirectMap)map).Broadcast([5], MapHandles.Of(second)));
        Assert.Equal([5], first.Last);
        Assert.Null(second.Last);
        Assert.Equal([5], third.Last);
    }

    [Fact]
    public unsafe void A_queue_of_a_processor_has_as_many_places_as_were_asked_for()
    {
        using (var map = Create<CpuMap>(MapType.CpuMap, 4))
        {
            uint key = 1, high = 4, size = 64, none = 0, tooLong = 16385, read = 0;
            Assert.Equal(-2, map.Read((byte*)&key, (byte*)&read));
            Assert.Equal(0, map.Write((byte*)&key, (byte*)&size, 2));
            Assert.Equal(-17, map.Write((byte*)&key, (byte*)&size, 1));
            Assert.Equal(-22, map.Write((byte*)&key, (byte*)&size, 3));
            Assert.Equal(-75, map.Write((byte*)&key, (byte*)&tooLong));
            Assert.Equal(-7, map.Write((byte*)&high, (byte*)&size));
            Assert.Equal(-22, map.Remove((byte*)&high));
            Assert.Equal(0, map.Read((byte*)&key, (byte*)&read));
            Assert.Equal(64u, read);
            Assert.Equal(0, map.Write((byte*)&key, (byte*)&none));
            Assert.Equal(-2, map.Read((byte*)&key, (byte*)&read));
            Assert.Equal(0, map.Remove((byte*)&key));
            Assert.Equal(map.Memory.AllocatedBytes, map.ChargedBytes);
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void Packets_wait_in_order_are_paid_for_and_dropped_when_there_is_no_room()
    {
        CpuMap map = Create<CpuMap>(MapType.CpuMap, 4);
        Assert.Equal(0, map.Put(2, 2));
        long empty = map.ChargedBytes;
        IPacketSink sink = ((IRedirectMap)map).Target(2)!;
        Assert.True(sink.TrySend([1]));
        Assert.True(sink.TrySend([2, 2]));
        Assert.False(sink.TrySend([3]));
        PacketInbox inbox = map.QueueOf(2)!;
        Assert.Equal(1, inbox.DroppedCount);
        Assert.True(map.ChargedBytes > empty);
        Assert.Equal(map.Memory.AllocatedBytes, map.ChargedBytes);
        Assert.True(inbox.TryReceive(out Packet packet));
        Assert.Equal([1], packet.Bytes.ToArray());
        map.Dispose();
        Assert.Equal(1, packet.Bytes[0]);
        Assert.True(_group.Kernel.CurrentBytes > 0);
        packet.Dispose();
        packet.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
        Assert.False(sink.TrySend([1]));
    }

    [Fact]
    public void A_packet_for_which_a_limit_has_no_memory_is_dropped()
    {
        using var map = Create<CpuMap>(MapType.CpuMap, 4);
        map.Put(0, 4);
        _group.Kernel.MaxBytes = _group.Kernel.CurrentBytes;
        Assert.False(((IRedirectMap)map).Target(0)!.TrySend([1]));
        Assert.Equal(1, map.QueueOf(0)!.DroppedCount);
        Assert.Equal(-12, map.Put(1, 4));
    }

    [Fact]
    public async Task A_worker_gets_every_packet_until_its_queue_closes()
    {
        using var map = Create<CpuMap>(MapType.CpuMap, 4);
        map.Put(0, 16);
        int sum = 0;
        Task worker = map.QueueOf(0)!.RunAsync(packet => sum += packet[0], TestContext.Current.CancellationToken);
        IPacketSink sink = ((IRedirectMap)map).Target(0)!;
        for (int i = 1; i <= 100; i++)
        {
            while (!sink.TrySend([(byte)i])) await Task.Yield();
        }

        while (map.QueueOf(0)!.Count > 0) await Task.Yield();
        map.Put(0, 0);
        await worker;
        Assert.Equal(5050, sum);
    }

    [Fact]
    public unsafe void A_map_of_packet_sockets_takes_packet_sockets()
    {
        using (var map = Create<XskMap>(MapType.XskMap, 4))
        using (var socket = new PacketSocket(_group, 4))
        using (var other = new PacketSocket(_group, 4))
        {
            uint number = MapHandles.Of(socket), second = MapHandles.Of(other), wrong = MapHandles.Of(this), read = 0;
            uint key = 0, high = 4;
            Assert.Equal(-95, map.Write((byte*)&key, (byte*)&wrong));
            wrong = uint.MaxValue;
            Assert.Equal(-9, map.Write((byte*)&key, (byte*)&wrong));
            Assert.Equal(-2, map.Write((byte*)&key, (byte*)&number, 2));
            Assert.Equal(0, map.Write((byte*)&key, (byte*)&number, 1));
            Assert.Equal(0, map.Write((byte*)&key, (byte*)&number, 1));
            Assert.Equal(-17, map.Write((byte*)&key, (byte*)&second, 1));
            Assert.Equal(-22, map.Write((byte*)&key, (byte*)&number, 3));
            Assert.Equal(-7, map.Write((byte*)&high, (byte*)&number));
            Assert.Equal(-95, map.Read((byte*)&key, (byte*)&read));
            Assert.True(((IRedirectMap)map).Target(0)!.TrySend([7]));
            Assert.True(socket.Received.TryReceive(out Packet packet));
            using (packet) Assert.Equal(7, packet.Bytes[0]);
            Assert.Equal(-22, map.Remove((byte*)&high));
            Assert.Equal(0, map.Remove((byte*)&key));
            Assert.Equal(0, map.Remove((byte*)&key));
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    private T Create<T>(MapType type, int valueBytes)
        where T : GroupMap
    {
        int bytes = type is MapType.CpuMap or MapType.XskMap ? 4 : valueBytes;
        return (T)GroupMap.Create(
            _group, new MapDefinition { Name = "map", Type = type, KeyBytes = 4, ValueBytes = bytes, Capacity = 4 });
    }

    private sealed class Device : IPacketSink
    {
        public byte[]? Last { get; private set; }

        public bool TrySend(ReadOnlySpan<byte> packet)
        {
            Last = packet.ToArray();
            return true;
        }
    }
}
