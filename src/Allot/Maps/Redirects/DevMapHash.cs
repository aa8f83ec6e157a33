using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Devices by any number, for programs that redirect packets to them: see <see cref="DevMap"/>.</summary>
public sealed unsafe class DevMapHash : KeyedMap<IPacketSink>, IRedirectMap
{
    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes, a value 4 or 8.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public DevMapHash(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    bool IRedirectMap.CanBroadcast => true;

    /// <summary>Puts a device under a number.</summary>
    /// <param name="key">The number.</param>
    /// <param name="device">The device; the map keeps it alive.</param>
    /// <returns>0, or -7 (E2BIG) when there is no room.</returns>
    public int Put(uint key, IPacketSink device)
    {
        ulong number = MapHandles.Of(device);
        return Write((byte*)&key, (byte*)&number);
    }

    /// <summary>Adds or replaces a device, by its number.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint number = Unsafe.ReadUnaligned<uint>(value);
        if (!MapHandles.TryFind(number, out IPacketSink? device)) return MapErrors.Invalid;

        // As in Linux, to want an existing element only is not enforced.
        return Put(key, device, flags == MapErrors.OnlyNew ? flags : MapErrors.Any);
    }

    IPacketSink? IRedirectMap.Target(uint key) => Find((byte*)&key);

    int IRedirectMap.Broadcast(ReadOnlySpan<byte> packet, uint exceptNumber)
    {
        int sent = 0;
        uint key, before;
        byte* at = null;
        while (NextKey(at, (byte*)&key) == MapErrors.None)
        {
            sent += PacketSending.SendUnless(Find((byte*)&key), packet, exceptNumber);
            before = key;
            at = (byte*)&before;
        }

        return sent;
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        if (Find(key) is not { } device) return MapErrors.NotFound;
        new Span<byte>(value, (int)Definition.ValueBytes).Clear();
        Unsafe.WriteUnaligned(value, MapHandles.Of(device));
        return MapErrors.None;
    }
}
