using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Where the memory of a run goes when the program returns what it takes.</summary>
/// <param name="Sink">To one; null to all of a map.</param>
/// <param name="All">The map.</param>
/// <param name="Except">The number of the one of the map that does not get it.</param>
/// <param name="At">The result with which it goes.</param>
internal readonly record struct BpfRedirect(IPacketSink? Sink, IRedirectMap? All, uint Except, ulong At)
{
    public void Deliver(ReadOnlySpan<byte> packet, ulong result)
    {
        if (result != At) return;
        if (Sink is not null) Sink.TrySend(packet);
        else All?.Broadcast(packet, Except);
    }
}
