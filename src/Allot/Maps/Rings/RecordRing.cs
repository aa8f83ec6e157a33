// A ring of records: many producers, one consumer, no lock between them.
//
// Memory (MirroredPages), in pages of 4096 bytes: control | consumer position | producer position | data | data again.
// Positions are bytes since the beginning, and only grow; a record at position p lies at p modulo the size. A record is
// a header of 8 bytes (length with two bits, BUSY and DISCARD; pages from the start of the memory to the header), and
// its bytes, padded to 8.
//
// Protocol. Everything between the producer position and the consumer position + size is zero: nobody has it.
//   Reserve  moves the producer position with a compare-and-swap, and then writes the header, BUSY. A consumer that
//            comes in between reads a header of 0, which no record has (the pages are never 0), and stops as at BUSY.
//   Commit   exchanges the header for one without BUSY. Pairs with the acquiring read in TryPeek: who sees it so sees
//            the bytes.
//   Advance  clears the record, and then moves the consumer position with a releasing store. Pairs with the acquiring
//            read in TryReserve: who gets the place finds zeros there.
// Linux has a spin lock in place of the compare-and-swap, and clears nothing. Clearing costs the consumer one pass over
// bytes that it has just read, and a producer that is stopped in the middle stops nobody but the consumer.
//
// Waking. A consumer that finds nothing at position c waits for whoever commits the record at c, and for nobody else:
// Commit reads the consumer position after its exchange, Advance is followed by a full fence before a consumer waits
// (RecordChannel). So either the consumer sees the record, or its producer sees that it is waited for.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>The records of a ring, as bytes in memory.</summary>
internal sealed unsafe class RecordRing : IDisposable
{
    public const int PageBytes = 4096;
    public const int ControlBytes = 3 * PageBytes;
    public const int HeaderBytes = 8;
    public const uint Busy = 1u << 31;
    public const uint Discarded = 1u << 30;
    public const uint LengthMax = Discarded - 1;

    private readonly MirroredPages _pages;
    private readonly byte* _data;
    private readonly ulong* _consumer;
    private readonly ulong* _producer;
    private readonly ulong _mask;

    private RecordRing(MirroredPages pages, long bytes)
    {
        Debug.Assert(System.Numerics.BitOperations.IsPow2(bytes), "A position is a place by a mask.");
        _pages = pages;
        _consumer = (ulong*)(pages.Start + PageBytes);
        _producer = (ulong*)(pages.Start + (2 * PageBytes));
        _data = pages.Start + ControlBytes;
        _mask = (ulong)bytes - 1;
    }

    /// <summary>The bytes of the ring.</summary>
    public long SizeBytes => (long)_mask + 1;

    /// <summary>What has been consumed, since the beginning.</summary>
    public ulong ConsumerPosition => Volatile.Read(ref *_consumer);

    /// <summary>What has been reserved, since the beginning.</summary>
    public ulong ProducerPosition => Volatile.Read(ref *_producer);

    /// <summary>What was reserved and not consumed yet.</summary>
    public ulong AvailableBytes
    {
        get
        {
            // In this order: what is consumed was reserved before.
            ulong consumed = ConsumerPosition;
            return ProducerPosition - consumed;
        }
    }

    /// <summary>What a ring of that size takes.</summary>
    public static Int128 BytesOf(long bytes) => MirroredPages.BytesOf(ControlBytes, bytes);

    /// <returns>Null when the system has no memory.</returns>
    public static RecordRing? TryCreate(long bytes, bool mirrors = true)
    {
        MirroredPages? pages = mirrors
            ? MirroredPages.TryAllocate(ControlBytes, bytes)
            : MirroredPages.TryPlain(ControlBytes, bytes);
        return pages is null ? null : new RecordRing(pages, bytes);
    }

    /// <summary>Takes room for a record, which stays invisible until it is committed.</summary>
    /// <param name="bytes">The length of the record.</param>
    /// <returns>Where its bytes begin; null when there is no room.</returns>
    public byte* TryReserve(ulong bytes)
    {
        if (bytes > LengthMax) return null;
        ulong whole = WholeBytes((uint)bytes);
        if (whole > _mask) return null;
        ulong at = Volatile.Read(ref *_producer);
        while (true)
        {
            // Full is one byte less than all: otherwise both positions would be the same place. The consumer may have
            // gone past a producer position that was read before.
            ulong consumed = Volatile.Read(ref *_consumer);
            if ((long)(at - consumed) < 0)
            {
                at = Volatile.Read(ref *_producer);
                continue;
            }

            if (at + whole - consumed > _mask) return null;
            ulong seen = Interlocked.CompareExchange(ref *_producer, at + whole, at);
            if (seen == at) break;
            at = seen;
        }

        byte* header = _data + (at & _mask);
        Debug.Assert(*(ulong*)header == 0, "What nobody has is zero.");
        uint pages = (uint)((header - _pages.Start) / PageBytes);
        Volatile.Write(ref *(ulong*)header, ((ulong)pages << 32) | Busy | (uint)bytes);
        return header + HeaderBytes;
    }

    /// <summary>Makes a record visible, or marks it as one to skip.</summary>
    /// <param name="record">What <see cref="TryReserve"/> has returned; once.</param>
    /// <param name="discards">Whether it is to be skipped.</param>
    /// <returns>Whether the consumer has come to this very record: it may be waiting for it.</returns>
    public bool Commit(byte* record, bool discards)
    {
        byte* header = record - HeaderBytes;
        uint length = LengthOf(record) | (discards ? Discarded : 0);
        uint before = Interlocked.Exchange(ref *(uint*)header, length);
        Debug.Assert((before & Busy) != 0, "A record is committed once.");
        ulong place = (ulong)(header - _data);
        return (Volatile.Read(ref *_consumer) & _mask) == place;
    }

    /// <summary>The bytes of a record that is reserved.</summary>
    public static uint LengthOf(byte* record) => *(uint*)(record - HeaderBytes) & LengthMax;

    /// <summary>Whether an address is where the bytes of a record that is not committed begin.</summary>
    public bool IsReserved(byte* record)
    {
        nint place = (nint)(record - HeaderBytes - _data);
        return place >= 0 && (ulong)place <= _mask && place % HeaderBytes == 0
            && (*(uint*)(record - HeaderBytes) & Busy) != 0;
    }

    /// <summary>The oldest record that is not discarded. By one consumer at a time.</summary>
    /// <returns>False when there is none, or the oldest is not committed yet.</returns>
    public bool TryPeek(out byte* record, out int length)
    {
        while (true)
        {
            // The header alone tells: at the producer position it is 0.
            byte* header = _data + (*_consumer & _mask);
            ulong word = Volatile.Read(ref *(ulong*)header);
            record = header + HeaderBytes;
            length = (int)(word & LengthMax);
            if (word == 0 || (word & Busy) != 0) return false;
            if ((word & Discarded) == 0) return true;
            Advance();
        }
    }

    /// <summary>Whether the oldest record is committed; from any thread, at an instant.</summary>
    public bool HasCommitted
    {
        get
        {
            ulong word = Volatile.Read(ref *(ulong*)(_data + (Volatile.Read(ref *_consumer) & _mask)));
            return word != 0 && (word & Busy) == 0;
        }
    }

    /// <summary>Gives the place of the oldest record back. By the consumer, after <see cref="TryPeek"/>.</summary>
    public void Advance()
    {
        ulong consumed = *_consumer;
        byte* header = _data + (consumed & _mask);
        Debug.Assert((*(uint*)header & Busy) == 0, "Only what is committed is consumed.");
        ulong whole = WholeBytes(*(uint*)header & LengthMax);
        Unsafe.InitBlockUnaligned(header, 0, (uint)whole);
        Volatile.Write(ref *_consumer, consumed + whole);
    }

    public void Dispose() => _pages.Dispose();

    /// <summary>What a record takes, with its header, and rounded up.</summary>
    public static ulong WholeBytes(uint length) => ((ulong)length + HeaderBytes + 7) & ~7UL;
}
