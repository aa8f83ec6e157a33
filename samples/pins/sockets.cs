// What does a server do when one tenant's connections pin too much memory?
//
//   dotnet run samples/pins/sockets.cs
//
// A server on the loopback gives each connection a receive buffer that never moves, from a pool that its tenant pays
// for. Each tenant may pin 128 KiB: 8 buffers of 16 KiB. One opens 20 connections: it is served on 8, and told clearly
// on the others why not. The other tenants notice nothing.

#:project ../../src/Allot/Allot.csproj
#:property PublishAot=false

using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Allot;

const int BufferBytes = 16 << 10, TenantPinsBytes = 128 << 10;
(string Tenant, int Connections)[] clients = [("acme", 5), ("greedy", 20), ("globex", 5)];

#region socket-pools
var tree = new MemoryController(new MemoryGroupOptions { PinsMaxBytes = 1 << 20 });
Dictionary<string, PinnedBufferPool> pools = clients.ToDictionary(client => client.Tenant, client =>
    new PinnedBufferPool(tree.Root.CreateChild(client.Tenant, new() { PinsMaxBytes = TenantPinsBytes })));
#endregion

using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
listener.Listen(100);
Task serving = ServeAsync();

bool isAsPromised = true;
var open = new List<Socket>();
foreach ((string tenant, int connections) in clients)
{
    int served = 0;
    string refusal = "";
    for (int i = 0; i < connections; i++)
    {
        string answer = await AskAsync(tenant, $"hello {i}");
        if (answer == $"hello {i}") served++;
        else refusal = answer;
    }

    Console.WriteLine($"{tenant}: {served} of {connections} connections served; "
        + $"{pools[tenant].Group.Pins.CurrentBytes >> 10} KiB pinned");
    if (refusal.Length > 0) Console.WriteLine($"  the others were told: {refusal}");
    isAsPromised &= served == Math.Min(connections, TenantPinsBytes / BufferBytes);
}

// Those that were served are still open: each asks again over its own connection.
foreach (Socket connection in open) isAsPromised &= await SendAsync(connection, "still there?") == "still there?";
Console.WriteLine($"{open.Count} connections still answer");
foreach (Socket connection in open) connection.Dispose();
listener.Dispose();
await serving;
foreach (PinnedBufferPool pool in pools.Values) pool.Dispose();
Console.WriteLine($"when all is closed, {tree.Root.Pins.CurrentBytes} bytes are pinned");
return isAsPromised && tree.Root.Pins.CurrentBytes == 0 ? 0 : 1;

// The server. The first line of a connection names its tenant.
async Task ServeAsync()
{
    var connections = new List<Task>();
    try
    {
        while (true) connections.Add(TalkAsync(await listener.AcceptAsync()));
    }
    catch (SocketException)
    {
        await Task.WhenAll(connections);   // the listener was closed
    }
}

async Task TalkAsync(Socket connection)
{
    using Socket socket = connection;
    byte[] name = new byte[64];
    int nameLength = await socket.ReceiveAsync(name);
    string tenant = Encoding.ASCII.GetString(name, 0, nameLength).TrimEnd('\n');
    #region socket-buffer
    IMemoryOwner<byte> buffer;
    try
    {
        buffer = pools[tenant].Rent(BufferBytes);   // pinned, and charged to the tenant
    }
    catch (MemoryLimitExceededException refused)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes($"no: {refused.Refusal}"));
        return;   // this connection is closed; those of others go on
    }
    #endregion

    using (buffer)
    {
        await socket.SendAsync("welcome"u8.ToArray());
        while (await socket.ReceiveAsync(buffer.Memory) is > 0 and var length)
        {
            await socket.SendAsync(buffer.Memory[..length]);
        }
    }
}

// A client: says who it is, and if it is welcome, sends a message.
async Task<string> AskAsync(string tenant, string message)
{
    var connection = new Socket(SocketType.Stream, ProtocolType.Tcp);
    await connection.ConnectAsync(listener.LocalEndPoint!);
    string greeting = await SendAsync(connection, tenant + "\n");
    if (greeting != "welcome")
    {
        connection.Dispose();
        return greeting;
    }

    open.Add(connection);
    return await SendAsync(connection, message);
}

static async Task<string> SendAsync(Socket connection, string message)
{
    byte[] answer = new byte[1024];
    await connection.SendAsync(Encoding.UTF8.GetBytes(message));
    return Encoding.UTF8.GetString(answer, 0, await connection.ReceiveAsync(answer));
}
