using System.Net;
using System.Net.Sockets;
using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>Maps of real sockets: the rows of Linux, and that what is redirected is sent.</summary>
public sealed unsafe class SocketMapTests : IDisposable
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _client = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _server;

    public SocketMapTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        _listener.Listen();
        _client.Connect(_listener.LocalEndPoint!);
        _server = _listener.Accept();
    }

    public static TheoryData<MapType> Types => [MapType.SockMap, MapType.SockHash];

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
        _listener.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Types))]
    public void Sockets_that_are_connected_or_listen_are_taken(MapType type)
    {
        using GroupMap map = Create(type, 8);
        using var unconnected = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var datagrams = new Socket(SocketType.Dgram, ProtocolType.Udp);
        using var closed = new Socket(SocketType.Stream, ProtocolType.Tcp);
        closed.Dispose();
        Assert.Equal(-95, Put(map, 0, unconnected));
        Assert.Equal(-9, Put(map, 0, closed));
        Assert.Equal(0, Put(map, 0, _listener));
        Assert.Equal(0, Put(map, 1, _client));
        Assert.Equal(0, Put(map, 2, datagrams));
        ulong number = uint.MaxValue;
        int key = 3;
        Assert.Equal(-9, map.Write((byte*)&key, (byte*)&number));
        number = MapHandles.Of(this);
        Assert.Equal(-9, map.Write((byte*)&key, (byte*)&number));
    }

    [Theory, MemberData(nameof(Types))]
    public void The_rows_of_the_host(MapType type)
    {
        using GroupMap map = Create(type, 8);
        ulong read = 0;
        int key = 1;
        Assert.Equal(-2, map.Read((byte*)&key, (byte*)&read));
        Assert.Equal(-2, Put(map, 1, _client, 2));
        Assert.Equal(0, Put(map, 1, _client, 1));
        Assert.Equal(-17, Put(map, 1, _server, 1));
        Assert.Equal(-22, Put(map, 1, _server, 3));
        Assert.Equal(0, map.Read((byte*)&key, (byte*)&read));
        Assert.Equal(MapHandles.Of(_client), read);
        for (int i = 0; i < 4; i++) Assert.Equal(0, Put(map, i, _client));
        Assert.Equal(-7, Put(map, 4, _client));
        Assert.Equal(0, map.Remove((byte*)&key));
        Assert.Equal(type == MapType.SockMap ? -22 : -2, map.Remove((byte*)&key));
        using GroupMap small = Create(type, 4);
        Assert.Equal(-28, small.Read((byte*)&key, (byte*)&read));
    }

    [Fact]
    public void What_is_redirected_to_a_socket_is_sent()
    {
        using var map = (SockMap)Create(MapType.SockMap, 8);
        map.Put(0, _client);
        Assert.Same(_client, map.Get(0));
        Assert.True(((IRedirectMap)map).Target(0)!.TrySend([1, 2, 3]));
        byte[] received = new byte[10];
        Assert.Equal(3, _server.Receive(received));
        Assert.Equal(2, received[1]);
        _client.Dispose();
        Assert.Null(map.Get(0));
        Assert.Null(((IRedirectMap)map).Target(0));
    }

    [Fact]
    public void A_socket_whose_buffer_is_full_drops_and_does_not_wait()
    {
        using var map = (SockMap)Create(MapType.SockMap, 8);
        map.Put(0, _client);
        IPacketSink sink = ((IRedirectMap)map).Target(0)!;
        byte[] packet = new byte[1000];
        int sent = 0;
        while (sink.TrySend(packet)) sent++;
        Assert.True(sent > 10);
    }

    [Fact]
    public void Sockets_that_share_a_port_are_in_one_slot_each()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The option is known on Linux only.");
        using GroupMap map = Create(MapType.ReuseportSockArray, 8), other = Create(MapType.ReuseportSockArray, 4);
        var array = (ReuseportSockArray)map;
        using Socket first = Sharing(), second = Sharing();
        Assert.Equal(-22, array.Put(0, _listener));
        Assert.Equal(-2, array.Put(0, first, 2));
        Assert.Equal(0, array.Put(0, first));
        Assert.Equal(-16, array.Put(1, first));
        Assert.Equal(-16, ((ReuseportSockArray)other).Put(0, first));
        Assert.Equal(-17, array.Put(0, second, 1));
        Assert.Equal(-22, array.Put(0, second, 3));
        Assert.Equal(-7, array.Put(4, second));
        Assert.Same(first, array.Select(0));
        ulong read = 0;
        int key = 0, empty = 1, high = 4;
        Assert.Equal(0, map.Read((byte*)&key, (byte*)&read));
        Assert.Equal(MapHandles.Of(first), read);
        Assert.Equal(-2, map.Read((byte*)&empty, (byte*)&read));
        Assert.Equal(-2, map.Read((byte*)&high, (byte*)&read));
        Assert.Equal(-28, other.Read((byte*)&key, (byte*)&read));
        Assert.Equal(0, array.Put(0, second));
        Assert.Equal(0, array.Put(1, first));
        Assert.Equal(0, map.Remove((byte*)&key));
        Assert.Equal(-2, map.Remove((byte*)&key));
        Assert.Equal(-7, map.Remove((byte*)&high));
        map.Dispose();
        Assert.Equal(0, ((ReuseportSockArray)other).Put(0, first));
    }

    private static int Put(GroupMap map, int key, Socket socket, ulong flags = 0) => map is SockMap sockets
        ? sockets.Put(key, socket, flags)
        : ((SockHash)map).Put(BitConverter.GetBytes(key), socket, flags);

    private static Socket Sharing()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.SetRawSocketOption(1, 15, BitConverter.GetBytes(1));
        return socket;
    }

    private GroupMap Create(MapType type, int valueBytes) => GroupMap.Create(
        _group, new MapDefinition { Name = "map", Type = type, KeyBytes = 4, ValueBytes = valueBytes, Capacity = 4 });
}
