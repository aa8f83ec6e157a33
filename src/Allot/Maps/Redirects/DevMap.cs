using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Devices by index, for programs that redirect packets to them. A device is whatever of the host takes
/// packets; its interface index is its number in <see cref="MapHandles"/>.</summary>
public sealed unsafe class DevMap : IndexedMap<IPacketSink>, IRedirectMap
{
    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes, a value 4 or 8.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public DevMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    bool IRedirectMap.CanBroadcast => true;

    /// <summary>Puts a device at an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="device">The device; the map keeps it alive.</param>
    /// <returns>0, or -7 (E2BIG) when there is no such index.</returns>
    public int Put(int index, IPacketSink device)
    {
        ulong number = MapHandles.Of(device);
        return Write((byte*)&index, (byte*)&number);
    }

    /// <summary>Adds or replaces a device, by its number; 0 removes it.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint index = IndexOf(key), number = NumberOf(value);
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (flags == MapErrors.OnlyNew) return MapErrors.Exists;
        IPacketSink? device = null;
        if (number != 0 && !MapHandles.TryFind(number, out device)) return MapErrors.Invalid;
        lock (Gate) Replace_NeedsGate(index, device);
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.Invalid;
        lock (Gate) Replace_NeedsGate(index, null);
        return MapErrors.None;
    }

    IPacketSink? IRedirectMap.Target(uint key) => Find(key);

    int IRedirectMap.Broadcast(ReadOnlySpan<byte> packet, uint exceptNumber)
    {
        int sent = 0;
        for (uint index = 0; IsIndex(index); index++)
        {
            sent += PacketSending.SendUnless(Find(index), packet, exceptNumber);
        }

        return sent;
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        if (Find(IndexOf(key)) is not { } device) return MapErrors.NotFound;
        new Span<byte>(value, (int)Definition.ValueBytes).Clear();
        Unsafe.WriteUnaligned(value, MapHandles.Of(device));
        return MapErrors.None;
    }
}
