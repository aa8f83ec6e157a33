namespace Allot.Bpf;

/// <summary>Registers and places in stacks whose numbers matter: a bit for each, in each function.</summary>
internal sealed class PrecisionMarks
{
    private readonly ushort[] _registers = new ushort[BpfExecution.FramesMax];
    private readonly ulong[] _slots = new ulong[BpfExecution.FramesMax];

    public bool IsEmpty
    {
        get
        {
            for (int frame = 0; frame < _slots.Length; frame++)
            {
                if (_registers[frame] != 0 || _slots[frame] != 0) return false;
            }

            return true;
        }
    }

    public ref ushort Registers(int frame) => ref _registers[frame];

    /// <summary>A bit for each 8 bytes of a stack, from its lowest address on.</summary>
    public ref ulong Slots(int frame) => ref _slots[frame];

    public bool Intersects(PrecisionMarks other)
    {
        for (int frame = 0; frame < _slots.Length; frame++)
        {
            bool isShared = (_registers[frame] & other._registers[frame]) != 0
                || (_slots[frame] & other._slots[frame]) != 0;
            if (isShared) return true;
        }

        return false;
    }

    public void Clear()
    {
        Array.Clear(_registers);
        Array.Clear(_slots);
    }

    /// <summary>All registers and places of so many functions.</summary>
    public void SetAll(int frames)
    {
        Clear();
        for (int frame = 0; frame < frames; frame++)
        {
            _registers[frame] = 0x3ff;
            _slots[frame] = ulong.MaxValue;
        }
    }

    public void Add(PrecisionMarks other)
    {
        for (int frame = 0; frame < _slots.Length; frame++)
        {
            _registers[frame] |= other._registers[frame];
            _slots[frame] |= other._slots[frame];
        }
    }

    /// <summary>Leaves what the other one does not have, and adds it there.</summary>
    public void MoveNewTo(PrecisionMarks other)
    {
        for (int frame = 0; frame < _slots.Length; frame++)
        {
            _registers[frame] &= (ushort)~other._registers[frame];
            _slots[frame] &= ~other._slots[frame];
            other._registers[frame] |= _registers[frame];
            other._slots[frame] |= _slots[frame];
        }
    }
}
