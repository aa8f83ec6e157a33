// The executions that a program keeps for its next runs: as many as there are processors, each made when it is first
// needed. A run takes the one of its thread, and one beside it if that is in use; beyond those it makes its own.
//
// Taking one is a compare-and-swap of a number, giving it back a plain store. So a run that gives one back may see the
// end of the program too late, and the end may see the run too late, but not both: the end has a barrier of the whole
// process between saying so and looking.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Bpf;

internal sealed class RunSlots
{
    private const int SlotsMax = 16;

    // A power of two of them: a division would take as long as half of the rest.
    private readonly Slot[] _slots =
        new Slot[(int)BitOperations.RoundUpToPowerOf2((uint)int.Min(SlotsMax, Environment.ProcessorCount))];

    private volatile bool _isClosed;

    /// <summary>The bytes that are charged for what is kept.</summary>
    public long ChargedBytes
    {
        get
        {
            long bytes = 0;
            foreach (ref Slot slot in _slots.AsSpan()) bytes += Volatile.Read(ref slot.Execution)?.ChargedBytes ?? 0;
            return bytes;
        }
    }

    /// <summary>Takes one.</summary>
    /// <param name="index">Which it is; below 0 when all are in use.</param>
    /// <returns>The execution; null when the caller has to make one, which it gives back as that one.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BpfExecution? Take(out int index)
    {
        Slot[] slots = _slots;
        int own = Environment.CurrentManagedThreadId & (slots.Length - 1);
        if (Interlocked.CompareExchange(ref slots[own].IsInUse, 1, 0) != 0) return TakeOther(own, out index);
        index = own;
        return slots[own].Execution;
    }

    /// <summary>Gives it back.</summary>
    /// <returns>False when nobody keeps it: the caller ends it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReturn(int index, BpfExecution? execution)
    {
        if (index < 0) return false;
        ref Slot slot = ref _slots[index];
        if (slot.Execution != execution) slot.Execution = execution;
        Volatile.Write(ref slot.IsInUse, 0);
        return !_isClosed || Interlocked.CompareExchange(ref slot.IsInUse, 1, 0) != 0;
    }

    /// <summary>Keeps none from here on.</summary>
    /// <returns>Those that were kept; what is in use is told when it is given back.</returns>
    public IReadOnlyList<BpfExecution> Close()
    {
        _isClosed = true;
        Interlocked.MemoryBarrierProcessWide();
        var kept = new List<BpfExecution>();
        foreach (ref Slot slot in _slots.AsSpan())
        {
            bool isTaken = Interlocked.CompareExchange(ref slot.IsInUse, 1, 0) == 0;
            if (isTaken && slot.Execution is { } execution) kept.Add(execution);
        }

        return kept;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private BpfExecution? TakeOther(int own, out int index)
    {
        for (int other = 1; other < _slots.Length; other++)
        {
            index = (own + other) & (_slots.Length - 1);
            if (Interlocked.CompareExchange(ref _slots[index].IsInUse, 1, 0) == 0) return _slots[index].Execution;
        }

        index = -1;
        return null;
    }

    // One cache line: what the runs of one thread write is not looked at by others.
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Slot
    {
        public BpfExecution? Execution;
        public int IsInUse;
    }
}
