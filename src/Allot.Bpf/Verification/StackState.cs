// The 512 bytes of a function's stack, as 64 slots of 8 bytes. A slot remembers a whole register that was stored there,
// or for each byte whether it was written, and with what if that is known.

using System.Diagnostics;

namespace Allot.Bpf;

/// <summary>What the verifier knows of the stack of one function.</summary>
internal sealed class StackState
{
    private const int Slots = BpfExecution.FrameBytes / 8;

    private static readonly Slot[] s_none = new Slot[Slots];

    private Slot[] _slots = s_none;   // until the first one is touched
    private int _lowest = Slots;      // no slot below this one was touched

    public StackState()
    {
    }

    private StackState(StackState other)
    {
        if (other._lowest == Slots) return;
        _slots = new Slot[Slots];
        _lowest = other._lowest;
        Array.Copy(other._slots, _lowest, _slots, _lowest, Slots - _lowest);
    }

    public StackState Copy() => new(this);

    /// <summary>The bytes that the verifier needs for it.</summary>
    public long ScratchBytes =>
        _lowest == Slots ? 0 : Slots * System.Runtime.CompilerServices.Unsafe.SizeOf<Slot>();

    /// <summary>The register stored in exactly these 8 bytes; null when there is none.</summary>
    public RegisterState? RegisterAt(int offset)
    {
        int at = offset + BpfExecution.FrameBytes;
        return at % 8 == 0 && _slots[at / 8].HasRegister ? _slots[at / 8].Register : null;
    }

    public void StoreRegister(int offset, in RegisterState register)
    {
        int slot = Touch(offset);
        _slots[slot] = new Slot { Register = register, Written = 0xff };
    }

    /// <summary>Bytes are written with a number, if one is known; or, where that is not certain, maybe.</summary>
    public void Store(int offset, int bytes, ulong? number, bool isCertain = true)
    {
        for (int each = 0; each < bytes; each++)
        {
            int index = Touch(offset + each);
            ref Slot slot = ref _slots[index];
            byte bit = BitOf(offset + each);
            if (slot.HasRegister) slot = slot.WithoutRegister();
            slot.Known &= (byte)~bit;
            if (!isCertain) continue;
            slot.Written |= bit;
            if (number is not { } known) continue;
            int shift = 8 * ((offset + each) & 7);
            slot.Known |= bit;
            slot.Values = (slot.Values & ~(0xfful << shift)) | ((known >> (8 * each) & 0xff) << shift);
        }
    }

    /// <summary>The first byte that was not written, or is part of an address; null when there is none.</summary>
    public int? FirstUnreadable(int offset, int bytes)
    {
        for (int each = offset; each < offset + bytes; each++)
        {
            ref Slot slot = ref _slots[(each + BpfExecution.FrameBytes) / 8];
            if (slot.HasRegister ? !slot.Register.IsNumber : (slot.Written & BitOf(each)) == 0) return each;
        }

        return null;
    }

    /// <summary>Whether bytes hold a part of an address.</summary>
    public bool HoldsAddress(int offset, int bytes)
    {
        for (int each = offset; each < offset + bytes; each++)
        {
            ref Slot slot = ref _slots[(each + BpfExecution.FrameBytes) / 8];
            if (slot.HasRegister && slot.Register.IsPointer) return true;
        }

        return false;
    }

    /// <summary>A dynamic pointer of which these bytes are a part; null when there is none.</summary>
    public RegisterState? DynamicPointerIn(int offset, int bytes)
    {
        for (int each = offset; each < offset + bytes; each++)
        {
            ref Slot slot = ref _slots[(each + BpfExecution.FrameBytes) / 8];
            if (slot.Register.Kind == RegisterKind.DynamicPointer) return slot.Register;
        }

        return null;
    }

    /// <summary>The number that up to 8 bytes hold, if it is known.</summary>
    public ulong? NumberAt(int offset, int bytes)
    {
        ulong number = 0;
        for (int each = 0; each < bytes; each++)
        {
            int at = offset + each;
            Slot slot = _slots[(at + BpfExecution.FrameBytes) / 8];
            if (slot.HasRegister) slot = slot.WithoutRegister();
            if ((slot.Known & BitOf(at)) == 0) return null;
            number |= (slot.Values >> (8 * (at & 7)) & 0xff) << (8 * each);
        }

        return number;
    }

    /// <summary>Changes every register that is stored here.</summary>
    public void ForEachRegister(Func<RegisterState, RegisterState> change)
    {
        for (int slot = _lowest; slot < Slots; slot++)
        {
            if (!_slots[slot].HasRegister) continue;
            RegisterState changed = change(_slots[slot].Register);
            if (changed.Kind == RegisterKind.Unwritten) _slots[slot] = default;
            else _slots[slot].Register = changed;
        }
    }

    /// <summary>Where a number that registers hold too is stored: a bit for each 8 bytes.</summary>
    public ulong SlotsWith(int id)
    {
        ulong slots = 0;
        for (int slot = _lowest; slot < Slots; slot++)
        {
            if (_slots[slot].Register.IsNumber && _slots[slot].Register.Id == id) slots |= 1ul << slot;
        }

        return slots;
    }

    /// <summary>Forgets numbers that are not what they were when this was seen before.</summary>
    /// <param name="seen">The stack as it was.</param>
    /// <param name="kept">A bit for each 8 bytes whose number is kept.</param>
    /// <param name="toAll">Whether nothing is known of them afterwards; otherwise the least that both are.</param>
    public void Widen(StackState seen, ulong kept, bool toAll)
    {
        var ids = new IdPairs();
        for (int slot = _lowest; slot < Slots; slot++)
        {
            if ((kept & (1ul << slot)) != 0) continue;
            ref Slot now = ref _slots[slot];
            bool isNumber = now.HasRegister ? now.Register is { IsNumber: true, IsLength: false } : now.Known != 0;
            if (!isNumber || IsCoveredBy(ref now, ref seen._slots[slot], isPrecise: true, ids)) continue;
            if (now.HasRegister) now.Register = now.Register.Widened(seen._slots[slot].Register, toAll);
            else now.Known = 0;
        }
    }

    /// <param name="seen">The stack as another path left it.</param>
    /// <param name="precise">A bit for each 8 bytes whose number matters.</param>
    /// <param name="ids">Which numbers of that path are which of this one.</param>
    public bool IsCoveredBy(StackState seen, ulong precise, IdPairs ids)
    {
        for (int slot = int.Min(_lowest, seen._lowest); slot < Slots; slot++)
        {
            bool isPrecise = (precise & (1ul << slot)) != 0;
            if (!IsCoveredBy(ref _slots[slot], ref seen._slots[slot], isPrecise, ids)) return false;
        }

        return true;
    }

    private static bool IsCoveredBy(ref Slot now, ref Slot seen, bool isPrecise, IdPairs ids)
    {
        if (seen.HasRegister)
        {
            if (now.HasRegister) return now.Register.IsCoveredBy(seen.Register, isPrecise, ids);
            return now.Written == 0xff && seen.Register is { IsNumber: true, IsLength: false }
                && (!isPrecise || (seen.Register.Id == 0 && seen.Register.Range == ScalarRange.Any));
        }

        if (seen.Written == 0) return true;
        Slot bytes = now.HasRegister ? now.WithoutRegister() : now;
        if ((seen.Written & ~bytes.Written) != 0) return false;
        if (!isPrecise) return true;
        if ((seen.Known & ~bytes.Known) != 0) return false;
        for (int at = 0; at < 8; at++)
        {
            bool isKnown = (seen.Known & (1 << at)) != 0;
            if (isKnown && (byte)(seen.Values >> (8 * at)) != (byte)(bytes.Values >> (8 * at))) return false;
        }

        return true;
    }

    private static byte BitOf(int offset) => (byte)(1 << (offset & 7));

    private int Touch(int offset)
    {
        Debug.Assert(offset is >= -BpfExecution.FrameBytes and < 0, "A function has its own stack only.");
        int slot = (offset + BpfExecution.FrameBytes) / 8;
        if (_lowest == Slots) _slots = new Slot[Slots];
        _lowest = int.Min(_lowest, slot);
        return slot;
    }

    private struct Slot
    {
        public RegisterState Register;
        public byte Written;   // a bit for each byte; all of them when there is a register
        public byte Known;     // and for each byte whose value is known
        public ulong Values;

        public readonly bool HasRegister => Register.Kind != RegisterKind.Unwritten;

        // What is left of an address is of no use, and what is left of a number is a number.
        public readonly Slot WithoutRegister() => Register switch
        {
            { IsNumber: true, Range.IsConstant: true } => new Slot
            {
                Written = 0xff,
                Known = BitConverter.IsLittleEndian ? (byte)0xff : (byte)0,
                Values = Register.Range.Least,
            },
            { IsNumber: true } => new Slot { Written = 0xff },
            _ => default,
        };
    }
}
