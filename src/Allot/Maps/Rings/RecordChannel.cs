// A ring of records with what stands around it: who uses its memory, who consumes, who waits.
//
// Lock-free where records pass. _users counts the owner and each record or reservation that somebody holds: the memory
// ends with the last of them, so nobody reads what is gone. _isReading excludes a second consumer, which is a mistake
// of the caller.

using System.Diagnostics;

namespace Allot.Maps;

internal sealed unsafe class RecordChannel(RecordRing ring, Action ended)
{
    private readonly RingSignal _signal = new();
    private int _users = 1;
    private int _isReading;
    private int _isClosed;

    public RecordRing Ring => ring;

    /// <summary>Wakes who waits; nobody waits any more.</summary>
    public void Close()
    {
        Interlocked.Exchange(ref _isClosed, 1);
        _signal.Wake(goesOn: false);
    }

    /// <returns>False when the memory is gone.</returns>
    public bool TryAddUser() => UserCount.TryAdd(ref _users);

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0) return;
        ring.Dispose();
        ended();
    }

    /// <summary>Makes a record visible or discards it, and wakes the consumer as the flag says.</summary>
    public void Commit(byte* record, bool discards, RingWakeUp wakeUp)
    {
        bool isAwaited = ring.Commit(record, discards);
        if (wakeUp == RingWakeUp.Always || (isAwaited && wakeUp == RingWakeUp.WhenAwaited)) _signal.Wake();
    }

    public bool TryWrite(ReadOnlySpan<byte> bytes, RingWakeUp wakeUp)
    {
        byte* record = ring.TryReserve((ulong)bytes.Length);
        if (record == null) return false;
        bytes.CopyTo(new Span<byte>(record, bytes.Length));
        Commit(record, discards: false, wakeUp);
        return true;
    }

    /// <summary>Becomes the consumer, if there is none now.</summary>
    public bool TryBeginRead() => Interlocked.Exchange(ref _isReading, 1) == 0;

    public void EndRead()
    {
        int before = Interlocked.Exchange(ref _isReading, 0);
        Debug.Assert(before == 1, "Only the consumer stops consuming.");
    }

    /// <summary>The oldest record, for the one consumer, with a user of the memory.</summary>
    /// <exception cref="InvalidOperationException">Somebody consumes already.</exception>
    /// <exception cref="ObjectDisposedException">The memory is gone.</exception>
    public bool TryRead(object owner, out RingRecord record)
    {
        record = default;
        ObjectDisposedException.ThrowIf(!TryAddUser(), owner);
        if (!TryBeginRead())
        {
            Release();
            throw new InvalidOperationException("A ring has one consumer at a time: dispose the record that was read.");
        }

        if (ring.TryPeek(out byte* first, out int length))
        {
            record = new RingRecord(this, first, length);
            return true;
        }

        EndRead();
        Release();
        return false;
    }

    public void EndRecord()
    {
        ring.Advance();
        EndRead();
        Release();
    }

    /// <summary>Waits until there is a record; false when there will be none.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken token) => _signal.WaitAsync(HasRecord, IsOver, token);

    // Not the consumer, so it leaves discarded records where they are.
    private bool HasRecord()
    {
        Interlocked.MemoryBarrier();
        if (!TryAddUser()) return false;
        bool hasRecord = ring.HasCommitted;
        Release();
        return hasRecord;
    }

    private bool IsOver() => Volatile.Read(ref _isClosed) != 0;
}
