// Packets that wait for a worker, first in first out, each in a block of its own that the owner of the queue pays for.
//
// One lock protects the queue. Who takes a packet out owns its block until it is disposed; what is left when the queue
// closes is freed then.

using System.Diagnostics;

namespace Allot.Maps;

/// <summary>A bounded queue of whole packets. What finds no room, or no memory, is dropped and counted.</summary>
public sealed class PacketInbox : IPacketSink
{
    private readonly SteadyLock _lock = new();
    private readonly RingSignal _signal = new();
    private readonly MapMemory _memory;
    private readonly Action _ended;
    private readonly (nint Block, int Length)[] _packets;
    private int _first;
    private int _count;
    private int _users = 1;   // the owner, and each packet that was received and not disposed
    private bool _isClosed;
    private long _droppedCount;

    /// <summary>A queue whose slots are charged already: <see cref="SlotBytes"/> each.</summary>
    internal PacketInbox(MapMemory memory, int capacity, Action ended)
    {
        _memory = memory;
        _packets = new (nint, int)[capacity];
        _ended = ended;
    }

    /// <summary>The most packets that wait.</summary>
    public int Capacity => _packets.Length;

    /// <summary>The packets that wait.</summary>
    public int Count
    {
        get
        {
            using (_lock.EnterScope()) return _count;
        }
    }

    /// <summary>The packets that were dropped.</summary>
    public long DroppedCount => Interlocked.Read(ref _droppedCount);

    internal static int SlotBytes => 16;

    /// <inheritdoc/>
    public bool TrySend(ReadOnlySpan<byte> packet)
    {
        bool isSent = TryAdd(packet);
        if (isSent) _signal.Wake();
        else Interlocked.Increment(ref _droppedCount);
        return isSent;
    }

    /// <summary>Takes the oldest packet out.</summary>
    /// <param name="packet">The packet; dispose it after use. Empty when false is returned.</param>
    /// <returns>False when there is none.</returns>
    public unsafe bool TryReceive(out Packet packet)
    {
        packet = default;
        using (_lock.EnterScope())
        {
            if (_count == 0) return false;
            (nint block, int length) = _packets[_first];
            _first = (_first + 1) % _packets.Length;
            _count--;
            _users++;
            packet = new Packet(this, (byte*)block, length);
            return true;
        }
    }

    /// <summary>Waits until there is a packet. One waits at a time.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True when there may be one; false when the queue was closed.</returns>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    public ValueTask<bool> WaitToReceiveAsync(CancellationToken cancellationToken = default) =>
        _signal.WaitAsync(() => Count > 0, () => IsClosed, cancellationToken);

    /// <summary>Works through packets as they come, until the queue is closed.</summary>
    /// <param name="worker">Gets each packet.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public async Task RunAsync(PacketWorker worker, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(worker);
        while (await WaitToReceiveAsync(cancellationToken).ConfigureAwait(false)) WorkThrough(worker);
    }

    internal unsafe void Close()
    {
        using (ReportingScope.Enter(_lock))
        {
            if (_isClosed) return;
            _isClosed = true;
            for (; _count > 0; _count--, _first = (_first + 1) % _packets.Length)
            {
                _memory.Free((byte*)_packets[_first].Block);
            }
        }

        _signal.Wake(goesOn: false);
        Release();
    }

    internal unsafe void Free(byte* block)
    {
        _memory.Free(block);
        Release();
    }

    private bool IsClosed
    {
        get
        {
            using (_lock.EnterScope()) return _isClosed;
        }
    }

    private unsafe bool TryAdd(ReadOnlySpan<byte> packet)
    {
        using (ReportingScope.Enter(_lock))
        {
            if (_isClosed || _count == _packets.Length) return false;
            byte* block = _memory.TryAllocate(packet.Length);
            if (block == null) return false;
            packet.CopyTo(new Span<byte>(block, packet.Length));
            _packets[(_first + _count) % _packets.Length] = ((nint)block, packet.Length);
            _count++;
            return true;
        }
    }

    private void WorkThrough(PacketWorker worker)
    {
        while (TryReceive(out Packet packet))
        {
            using (packet) worker(packet.Bytes);
        }
    }

    private void Release()
    {
        bool isLast;
        using (_lock.EnterScope())
        {
            Debug.Assert(_users > 0, "A packet is given back once.");
            isLast = --_users == 0;
        }

        if (isLast) _ended();
    }
}
