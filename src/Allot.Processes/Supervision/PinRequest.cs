// What a call would add to the pins of its process, found before it runs.
//
// Registers are latched: lengths, addresses and commands are what the kernel will use. What lies behind a pointer (the
// buffers of io_uring, the structures of vfio, iommufd and AF_XDP) can be rewritten between this look and the call; the
// reading of VmLck and VmPin afterwards puts it right.

using System.Runtime.InteropServices;
using Allot.Processes.Observation;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <param name="Kind">Which part of the pins grows.</param>
/// <param name="Bytes">By how much at the most; 0 for a call that only releases.</param>
/// <param name="Range">The addresses to be locked, or to be unlocked; everything when the call does not say which;
/// empty when it pins and does not lock.</param>
internal readonly record struct PinRequest(PinKind Kind, long Bytes, AddressRange Range)
{
    /// <summary>By how much at the most when what is locked now is unlocked before the call runs.</summary>
    public long MostBytes { get; init; }

    /// <summary>Bytes by which a mapping that is not locked grows, which is nothing unless it gets locked
    /// first.</summary>
    public long GrowthBytes { get; init; }

    private const ulong LockCurrent = 1;
    private const ulong LockFlags = 7;
    private const int BufferBytes = 16;
    private const int BuffersMax = 16384;

    /// <summary>What an action asks of a process. Segments have their own account
    /// (<see cref="LockedSegments"/>).</summary>
    public static PinRequest Of(PinAction action, in SeccompNotification call, PinningProcess process) => action switch
    {
        PinAction.Lock => Lock(AddressRange.WholePages(call.Arguments[0], call.Arguments[1]), process),
        PinAction.LockAll => LockAll(call.Arguments[0], process),
        PinAction.Unlock => new(PinKind.Locked, 0, AddressRange.WholePages(call.Arguments[0], call.Arguments[1])),
        PinAction.UnlockAll => new(PinKind.Locked, 0, AddressRange.Everything),
        PinAction.MapLocked => new(PinKind.Locked, Pages(call.Arguments[1]), AddressRange.Everything),
        PinAction.Remap => Remap(call, process),
        PinAction.RegisterBuffers => Buffers(call, process, call.Arguments[2], (uint)call.Arguments[3]),
        PinAction.RegisterBuffers2 => IndirectBuffers(call, process, countOffset: 0, addressOffset: 16),
        PinAction.UpdateBuffers => IndirectBuffers(call, process, countOffset: 24, addressOffset: 8),
        PinAction.VfioMap => Structure(call, PinKind.Locked, lengthOffset: 24),
        PinAction.IommuMap => Structure(call, PinKind.Pinned, lengthOffset: 24),
        PinAction.RegisterXdpArea => XdpArea(call),
        _ => new(PinKind.Pinned, 0, default),
    };

    private static PinRequest Lock(AddressRange range, PinningProcess process) =>
        new(PinKind.Locked, AddUp(process.UnlockedBytesWithin(range), process.GrowthWithin(range)), range)
        {
            MostBytes = Math.Min(range.LengthBytes, MemoryGroup.MaxChargeBytes),
        };

    // The kernel compares the whole address space with the limit; what is locked already is paid for.
    private static PinRequest LockAll(ulong flags, PinningProcess process)
    {
        bool current = (flags & LockCurrent) != 0 && (flags & ~LockFlags) == 0;
        if (!current) return new(PinKind.Locked, 0, AddressRange.Everything);
        long bytes = Math.Max(0, process.VirtualBytes - process.LockedBytes);
        return new(PinKind.Locked, AddUp(bytes, process.GrowthWithin(AddressRange.Everything)), AddressRange.Everything)
        {
            MostBytes = process.VirtualBytes,
        };
    }

    // Only a mapping that is locked grows locked. The filter lets shrinking calls pass.
    private static PinRequest Remap(in SeccompNotification call, PinningProcess process)
    {
        long growth = Pages(call.Arguments[2]) - Pages(call.Arguments[1]);
        return process.MayBeLockedAt(call.Arguments[0])
            ? new(PinKind.Locked, growth, AddressRange.Everything)
            : new(PinKind.Locked, 0, default) { GrowthBytes = growth };
    }

    // Both are at most what a group can be charged, far from where a sum would wrap.
    private static long AddUp(long bytes, long more) =>
        Math.Min(bytes + Math.Min(more, MemoryGroup.MaxChargeBytes), MemoryGroup.MaxChargeBytes);

    private static PinRequest Structure(in SeccompNotification call, PinKind kind, int lengthOffset) =>
        new(kind, Pages(TargetMemory.ReadWord(call.ThreadId, call.Arguments[2] + (ulong)lengthOffset)), default);

    // The kernel refuses a structure that is shorter than its first version.
    private static PinRequest XdpArea(in SeccompNotification call)
    {
        const int LengthOffset = 8, StructureBytesMin = 24;
        bool isRefused = (int)call.Arguments[4] < StructureBytesMin;
        ulong length = isRefused ? 0 : TargetMemory.ReadWord(call.ThreadId, call.Arguments[3] + LengthOffset);
        return new(PinKind.Pinned, Pages(length), default);
    }

    private static PinRequest IndirectBuffers(
        in SeccompNotification call, PinningProcess process, int countOffset, int addressOffset)
    {
        ulong structure = call.Arguments[2];
        ulong count = (uint)TargetMemory.ReadWord(call.ThreadId, structure + (ulong)countOffset);
        return Buffers(call, process, TargetMemory.ReadWord(call.ThreadId, structure + (ulong)addressOffset), count);
    }

    // The kernel counts whole pages per buffer, also where two buffers share one; but a large page counts once, and
    // whole, however little of it a buffer has.
    private static PinRequest Buffers(in SeccompNotification call, PinningProcess process, ulong address, ulong count)
    {
        long bytes = 0, largeBytes = 0;
        var all = new AddressRange(ulong.MaxValue, 0);
        ulong largeEnd = 0;
        Span<ulong> buffers = stackalloc ulong[128];
        int left = (int)Math.Min(count, BuffersMax);
        while (left > 0)
        {
            int now = Math.Min(left, buffers.Length / 2);
            Span<byte> raw = MemoryMarshal.AsBytes(buffers)[..(now * BufferBytes)];
            if (!TargetMemory.TryRead(call.ThreadId, address, raw)) break;
            for (int i = 0; i < now; i++)
            {
                (ulong start, ulong length) = (buffers[2 * i], buffers[(2 * i) + 1]);
                if (start == 0 || length == 0) continue;
                bytes = AddUp(bytes, Pages(start, length));
                AddressRange large = LargePagesOf(start, length);
                bool continues = large.Start < largeEnd && large.End >= largeEnd;
                largeBytes = AddUp(largeBytes, (continues ? large with { Start = largeEnd } : large).LengthBytes);
                largeEnd = large.End;
                all = new AddressRange(Math.Min(all.Start, large.Start), Math.Max(all.End, large.End));
            }

            address += (ulong)(now * BufferBytes);
            left -= now;
        }

        if (largeBytes > bytes)
        {
            long inLargePages = process.LargePageBytesIn(all);
            bytes = Math.Min(largeBytes, AddUp(bytes, inLargePages));
        }

        return new(PinKind.Pinned, bytes, default);
    }

    private static AddressRange LargePagesOf(ulong start, ulong length)
    {
        ulong size = (ulong)LargePages.SizeBytes;
        ulong end = length > ulong.MaxValue - size - start ? ulong.MaxValue - size : start + length;
        return new AddressRange(start / size * size, (end + size - 1) / size * size);
    }

    private static long Pages(ulong lengthBytes) => Pages(0, lengthBytes);

    // Longer than the address space: the kernel refuses it by itself, but the sum must not wrap before that.
    private static long Pages(ulong address, ulong lengthBytes)
    {
        if (lengthBytes > (ulong)MemoryGroup.MaxChargeBytes) return MemoryGroup.MaxChargeBytes;
        return AddressRange.WholePages(address, lengthBytes).LengthBytes;
    }
}
