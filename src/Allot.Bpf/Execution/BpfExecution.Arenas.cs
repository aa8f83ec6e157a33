// An address in an arena is the lower half of the one that the host sees. An access adds its offset to that one, and
// happens if all of its bytes are in pages that are there; otherwise 0 is loaded, and nothing stored. Both engines come
// here.

using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <content>Accesses in the arena of the program.</content>
public sealed unsafe partial class BpfExecution
{
    internal ArenaMap? Arena;

    /// <summary>What the host calls an address in the arena: 0 stays 0.</summary>
    internal ulong FromArena(ulong address)
    {
        uint low = (uint)address;
        if (low == 0) return 0;
        ulong start = (ulong)Arena!.Start;
        ulong at = low - (uint)start;
        return at < ArenaBytes ? start + at : (start & ~(ulong)uint.MaxValue) | low;
    }

    internal ulong LoadInArena(int packed, ulong address, int instruction)
    {
        BpfOp op = ArenaAccess.OpOf(packed);
        byte* at = InArena(packed, address, instruction);
        if (at == null) return 0;
        return op switch
        {
            BpfOp.Load8 => *at,
            BpfOp.Load16 => Unsafe.ReadUnaligned<ushort>(at),
            BpfOp.Load32 => Unsafe.ReadUnaligned<uint>(at),
            BpfOp.Load64 => Unsafe.ReadUnaligned<ulong>(at),
            BpfOp.LoadSx8 => (ulong)*(sbyte*)at,
            BpfOp.LoadSx16 => (ulong)Unsafe.ReadUnaligned<short>(at),
            BpfOp.LoadSx32 => (ulong)Unsafe.ReadUnaligned<int>(at),
            BpfOp.LoadAcquire8 => Volatile.Read(ref *at),
            BpfOp.LoadAcquire16 => Volatile.Read(ref *(ushort*)at),
            BpfOp.LoadAcquire32 => Volatile.Read(ref *(uint*)at),
            _ => Volatile.Read(ref *(ulong*)at),
        };
    }

    internal void StoreInArena(int packed, ulong address, ulong value, int instruction)
    {
        BpfOp op = ArenaAccess.OpOf(packed);
        byte* at = InArena(packed, address, instruction);
        if (at == null) return;
        switch (op)
        {
            case BpfOp.Store8: *at = (byte)value; break;
            case BpfOp.Store16: Unsafe.WriteUnaligned(at, (ushort)value); break;
            case BpfOp.Store32: Unsafe.WriteUnaligned(at, (uint)value); break;
            case BpfOp.Store64: Unsafe.WriteUnaligned(at, value); break;
            case BpfOp.StoreRelease8: Volatile.Write(ref *at, (byte)value); break;
            case BpfOp.StoreRelease16: Volatile.Write(ref *(ushort*)at, (ushort)value); break;
            case BpfOp.StoreRelease32: Volatile.Write(ref *(uint*)at, (uint)value); break;
            default: Volatile.Write(ref *(ulong*)at, value); break;
        }
    }

    /// <summary>Returns what is in the register of the result afterwards: what was there before if nothing
    /// happens.</summary>
    internal ulong AtomicInArena(int packed, ulong address, ulong operand, ulong comparand, int instruction)
    {
        BpfOp op = ArenaAccess.OpOf(packed);
        byte* at = InArena(packed, address, instruction);
        if (at != null) return BpfAtomics.Apply(op, (ulong)at, operand, comparand);
        return op.As64() == BpfOp.CompareExchange64 ? comparand : operand;
    }

    private ulong ArenaBytes => (ulong)Arena!.Definition.Capacity * ArenaMap.PageBytes;

    private byte* InArena(int packed, ulong address, int instruction)
    {
        BpfOp op = ArenaAccess.OpOf(packed);
        int bytes = op.AccessBytes();
        ulong start = (ulong)Arena!.Start;
        ulong at = (start & ~(ulong)uint.MaxValue) + (uint)address + (ulong)ArenaAccess.OffsetOf(packed);
        if (at - start >= ArenaBytes) at += 1ul << 32;   // of an arena in which the lower halves begin again
        if (!Arena.Contains(at, (ulong)bytes, writes: true)) return null;
        if ((at & (ulong)(bytes - 1)) == 0 || !(op.IsAtomic() || op.IsOrdered())) return (byte*)at;
        Fail(BpfFaultKind.Misaligned, instruction, at, bytes);
        return null;
    }
}
