using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Queues of work by number of a processor: packets that are redirected to a number wait there for its worker,
/// which the host runs.</summary>
public sealed unsafe class CpuMap : IndexedMap<PacketInbox>, IRedirectMap
{
    /// <summary>The most packets of a queue, as in Linux.</summary>
    public const int QueueMax = 16384;

    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays, for queues and packets too.</param>
    /// <param name="definition">A key has 4 bytes, a value 4 or 8.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public CpuMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    bool IRedirectMap.CanBroadcast => false;

    internal static new MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        new(MemlockFormulas.Limited(BytesOf(definition)), long.MaxValue);

    /// <summary>Makes the queue of a processor, in place of the one that is there.</summary>
    /// <param name="processor">The number of the processor.</param>
    /// <param name="capacity">The most packets that wait; 0 for no queue.</param>
    /// <returns>0, or the error of Linux as a negative number: -7 (E2BIG) when there is no such number, -75 (EOVERFLOW)
    /// when the queue is too long, -12 (ENOMEM) when a limit refused.</returns>
    public int Put(int processor, int capacity)
    {
        ulong value = (uint)capacity;
        return Write((byte*)&processor, (byte*)&value);
    }

    /// <summary>The queue of a processor; null if it has none.</summary>
    /// <param name="processor">The number of the processor.</param>
    public PacketInbox? QueueOf(int processor) => Find((uint)processor);

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint index = IndexOf(key), capacity = NumberOf(value);
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (flags == MapErrors.OnlyNew) return MapErrors.Exists;
        if (capacity > QueueMax) return MapErrors.Overflow;
        PacketInbox? queue = null;
        if (capacity > 0 && !TryMake((int)capacity, out queue)) return MapErrors.NoMemory;
        PacketInbox? before;
        lock (Gate) before = Replace_NeedsGate(index, queue);
        before?.Close();
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.Invalid;
        PacketInbox? before;
        lock (Gate) before = Replace_NeedsGate(index, null);
        before?.Close();
        return MapErrors.None;
    }

    IPacketSink? IRedirectMap.Target(uint key) => Find(key);

    int IRedirectMap.Broadcast(ReadOnlySpan<byte> packet, uint exceptNumber) => 0;

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        if (Find(IndexOf(key)) is not { } queue) return MapErrors.NotFound;
        new Span<byte>(value, (int)Definition.ValueBytes).Clear();
        Unsafe.WriteUnaligned(value, (uint)queue.Capacity);
        return MapErrors.None;
    }

    private protected override void LetGo(PacketInbox before) => before.Close();

    // The map stays as long as one of its packets is with a receiver.
    private bool TryMake(int capacity, out PacketInbox? queue)
    {
        queue = null;
        long bytes = (long)capacity * PacketInbox.SlotBytes;
        AddUser();
        if (!Memory.TryHold(bytes))
        {
            Release();
            return false;
        }

        queue = new PacketInbox(Memory, capacity, () =>
        {
            Memory.LetGo(bytes);
            Release();
        });
        return true;
    }
}
