// Redirection is in two steps, as in Linux: the helper says where to, and what the program returns says whether. The
// memory of the run is the packet, as it is at the end.

using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Packets from programs to devices, queues and sockets.</summary>
internal static unsafe class BpfRedirectHelpers
{
    private const ulong XdpRedirect = 4, ActionMask = 3, Broadcast = 8, ExcludeIngress = 16;
    private const ulong Pass = 1, Drop = 0;

    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(51, "redirect_map", Redirect)
        {
            Arguments = [BpfArgument.Map, BpfArgument.Number, BpfArgument.Number],
            MapTypes = [MapType.DevMap, MapType.DevMapHash, MapType.CpuMap, MapType.XskMap],
        },
        ToSocket(52, "sk_redirect_map"),
        ToSocket(60, "msg_redirect_map"),
        ToSocketOfKey(71, "msg_redirect_hash"),
        ToSocketOfKey(72, "sk_redirect_hash"),
        new(82, "sk_select_reuseport", Select)
        {
            Arguments = [BpfArgument.Context, BpfArgument.Map, BpfArgument.MapKey, BpfArgument.Number],
            MapTypes = [MapType.ReuseportSockArray],
        },
    ];

    private static BpfHelper ToSocket(int number, string name) => new(number, name, RedirectToSocket)
    {
        Arguments = [BpfArgument.Context, BpfArgument.Map, BpfArgument.Number, BpfArgument.Number],
        MapTypes = [MapType.SockMap],
    };

    private static BpfHelper ToSocketOfKey(int number, string name) => new(number, name, RedirectToSocketOfKey)
    {
        Arguments = [BpfArgument.Context, BpfArgument.Map, BpfArgument.MapKey, BpfArgument.Number],
        MapTypes = [MapType.SockHash],
    };

    private static ulong Redirect(BpfExecution run, ulong map, ulong key, ulong flags, ulong r4, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not IRedirectMap targets) return 0;
        ulong known = ActionMask | (targets.CanBroadcast ? Broadcast | ExcludeIngress : 0);
        if ((flags & ~known) != 0 || key > uint.MaxValue) return 0;
        if ((flags & Broadcast) != 0)
        {
            bool hasIngress = (flags & ExcludeIngress) != 0 && run.State is IPacketSink;
            uint except = hasIngress ? MapHandles.Of(run.State!) : 0;
            run.Redirect = new BpfRedirect(null, targets, except, XdpRedirect);
            return XdpRedirect;
        }

        if (targets.Target((uint)key) is not { } sink) return flags & ActionMask;
        run.Redirect = new BpfRedirect(sink, null, 0, XdpRedirect);
        return XdpRedirect;
    }

    private static ulong RedirectToSocket(
        BpfExecution run, ulong context, ulong map, ulong key, ulong flags, ulong r5) =>
        run.TryGetMap(map, out GroupMap? found) && key <= uint.MaxValue
            ? To(run, (found as IRedirectMap)?.Target((uint)key), flags)
            : Drop;

    private static ulong RedirectToSocketOfKey(
        BpfExecution run, ulong context, ulong map, ulong key, ulong flags, ulong r5) =>
        run.TryGetMap(map, out GroupMap? found) && run.TryReadKey(found, key, out byte* bytes)
            ? To(run, (found as SockHash)?.FindOpen(bytes), flags)
            : Drop;

    // Flag 1 is Linux' way to the receiving side of the socket, which a process does not have.
    private static ulong To(BpfExecution run, IPacketSink? sink, ulong flags)
    {
        if (sink is null || flags != 0) return Drop;
        run.Redirect = new BpfRedirect(sink, null, 0, Pass);
        return Pass;
    }

    private static ulong Select(BpfExecution run, ulong context, ulong map, ulong key, ulong flags, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found) || !run.TryRead(key, sizeof(uint), out byte* index)) return 0;
        if (flags != 0) return Error(MapErrors.Invalid);
        if ((found as ReuseportSockArray)?.Select(*(int*)index) is not { } socket) return Error(MapErrors.NotFound);
        if (run.State is BpfSocketSelection selection) selection.Selected = socket;
        return 0;
    }

    private static ulong Error(int error) => (ulong)(long)error;
}
