using System.Net;
using System.Net.Sockets;
using Allot.Maps;
using Microsoft.Win32.SafeHandles;

namespace Allot.Tests.Maps.Types;

/// <summary>What maps refer to: other maps, devices, sockets, files, threads, groups. They are charged to a tree of
/// their own.</summary>
internal sealed class MapOwners : IDisposable
{
    private const int Count = 5, SocketLevel = 1, ReusePort = 15;

    public MapOwners()
    {
        Groups = [.. Enumerable.Range(0, 50).Select(number => Tree.Root.CreateChild($"owner{number}"))];
        Maps = Make(_ => GroupMap.Create(Tree.Leaf, MapSamples.Inner));
        Devices = Make(_ => new PacketSocket(Tree.Leaf, capacity: 4));
        Sockets = Make(_ => OpenSocket());
        Files = Make(_ => File.OpenHandle(typeof(MapOwners).Assembly.Location));
        Threads = Make(_ => new Thread(static () => { }));
    }

    public IReadOnlyList<MemoryGroup> Groups { get; }

    public IReadOnlyList<GroupMap> Maps { get; }

    public IReadOnlyList<PacketSocket> Devices { get; }

    public IReadOnlyList<Socket> Sockets { get; }

    public IReadOnlyList<SafeFileHandle> Files { get; }

    public IReadOnlyList<Thread> Threads { get; }

    private TreeOfThree Tree { get; } = new();

    public void Dispose()
    {
        foreach (IDisposable each in (IEnumerable<IDisposable>)[.. Maps, .. Devices, .. Sockets, .. Files])
        {
            each.Dispose();
        }

        Assert.Equal([0, 0, 0], Tree.Memory);
    }

    private static T[] Make<T>(Func<int, T> make) => [.. Enumerable.Range(0, Count).Select(make)];

    // Ready for every map of sockets: without a connection, and on a port that others may share.
    private static Socket OpenSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(SocketLevel, ReusePort, BitConverter.GetBytes(1));
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port: 0));
        return socket;
    }
}
