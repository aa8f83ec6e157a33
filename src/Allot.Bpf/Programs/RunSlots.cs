// The executions that a program keeps for its next runs: as many slots as there are processors, each with one that is
// made when it is first needed.
//
// A slot is owned by the first thread that comes to it, which takes and leaves it by plain stores to IsInside. When
// every slot has an owner, a thread that has none takes one away: from then on that slot is shared, and taken by a
// compare-and-swap of IsTaken. So Owner is a thread or, in this order, one of the states below.
//
//   take, as owner:    IsInside = 1; then Owner must still be the thread, otherwise leave
//   leave, as owner:   IsInside = 0; then, if Owner is Closed, end the slot
//   take, as another:  only when Owner is Shared: IsTaken from 0 to 1
//   leave, as another: IsTaken = 0; then, if Owner is Closed, end the slot
//   take away:         Owner from the thread to Revoking; barrier; to Draining; and once IsInside is 0, to Shared
//   close:             Owner to Closed; barrier; and end each slot whose IsInside is 0
//   end the slot:      who takes IsTaken from 0 to 1, and nobody else
//
// The plain stores of an owner may be seen late, so an owner that takes a slot away while it is being taken away, or
// leaves it while it is being closed, may miss that; but then its store came before the barrier of the whole process,
// and who has made that barrier sees it. An owner that was too late says for an instant that it is inside and is not:
// that delays others, and keeps a closing thread from ending the slot, which the owner does in its place.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Allot.Bpf;

internal sealed class RunSlots
{
    private const int SlotsMax = 16;
    private const int OfAnother = 0x100;   // in the number of a slot that was not taken as its owner

    private const int Nobody = -1, Revoking = -2, Draining = -3, Shared = -4, Closed = -5;

    private static int s_lastThread;

    // The threads that run programs have numbers of their own, from 1: to ask for another one takes longer. Before its
    // first run a thread has 0, which owns nothing.
    [ThreadStatic]
    private static int t_thread;

    // A power of two of them: a division would take as long as half of the rest.
    private readonly Slot[] _slots =
        new Slot[(int)BitOperations.RoundUpToPowerOf2((uint)int.Min(SlotsMax, Environment.ProcessorCount))];

    private readonly Action<BpfExecution> _end;

    /// <param name="end">Ends an execution of a closed program.</param>
    public RunSlots(Action<BpfExecution> end)
    {
        _end = end;
        foreach (ref Slot slot in _slots.AsSpan()) slot.Owner = Nobody;
    }

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
    /// <param name="number">Which it is; below 0 when all are in use.</param>
    /// <returns>The execution; null when the caller has to make one, and to <see cref="Keep"/> it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BpfExecution? Take(out int number)
    {
        int thread = t_thread;
        Slot[] slots = _slots;
        int own = thread & (slots.Length - 1);
        ref Slot slot = ref slots[own];
        if (slot.Owner != thread || slot.IsInside != 0) return TakeAny(out number);
        Volatile.Write(ref slot.IsInside, 1);
        if (Volatile.Read(ref slot.Owner) != thread) return TakeAnyAfterLeaving(own, out number);
        number = own;
        return slot.Execution;
    }

    /// <summary>The execution of the slot from now on, for whoever has taken it.</summary>
    public void Keep(int number, BpfExecution execution)
    {
        if (number < 0) return;
        ref Slot slot = ref _slots[number & ~OfAnother];
        Debug.Assert(slot.Execution is null, "An execution is made once for a slot.");
        Debug.Assert((slot.IsTaken | slot.IsInside) != 0, "Only who has taken a slot gives it an execution.");
        slot.Execution = execution;
    }

    /// <summary>Leaves it.</summary>
    /// <returns>False when nobody keeps the execution: the caller ends it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReturn(int number)
    {
        Slot[] slots = _slots;
        if ((uint)number >= (uint)slots.Length) return TryReturnAsAnother(number);
        ref Slot slot = ref slots[number];
        Debug.Assert(slot.IsInside == 1, "An owner leaves the slot that it is inside of.");
        Volatile.Write(ref slot.IsInside, 0);
        return Volatile.Read(ref slot.Owner) != Closed || !TryEnd(ref slot);
    }

    /// <summary>Keeps none from here on, and ends those that are not in use; the others are told when they come back.
    /// </summary>
    public void Close()
    {
        foreach (ref Slot slot in _slots.AsSpan()) Interlocked.Exchange(ref slot.Owner, Closed);
        Interlocked.MemoryBarrierProcessWide();
        foreach (ref Slot slot in _slots.AsSpan())
        {
            if (Volatile.Read(ref slot.IsInside) == 0 && TryEnd(ref slot)) End(ref slot);
        }
    }

    private static bool TryEnd(ref Slot slot) => Interlocked.CompareExchange(ref slot.IsTaken, 1, 0) == 0;

    private void End(ref Slot slot)
    {
        Debug.Assert(Volatile.Read(ref slot.Owner) == Closed, "Only a slot that is closed ends.");
        Debug.Assert(slot.IsTaken == 1, "Who ends a slot has taken it, and nobody leaves it any more.");
        if (slot.Execution is { } execution) _end(execution);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReturnAsAnother(int number)
    {
        if (number < 0) return false;
        Debug.Assert((number & OfAnother) != 0, "What was taken as an owner is left as one.");
        ref Slot slot = ref _slots[number & ~OfAnother];
        Debug.Assert(slot.IsTaken == 1, "Who leaves a shared slot has taken it.");
        Volatile.Write(ref slot.IsTaken, 0);
        return Volatile.Read(ref slot.Owner) != Closed || !TryEnd(ref slot);
    }

    // The owner was too late: the execution is not its own.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private BpfExecution? TakeAnyAfterLeaving(int own, out int number)
    {
        Leave(own);
        return TakeAny(out number);
    }

    private void Leave(int own)
    {
        if (!TryReturn(own)) End(ref _slots[own]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private BpfExecution? TakeAny(out int number)
    {
        if (t_thread == 0) t_thread = Interlocked.Increment(ref s_lastThread) & int.MaxValue;
        int thread = t_thread;
        for (int place = 0; place < _slots.Length; place++)
        {
            number = (thread + place) & (_slots.Length - 1);
            if (TryTake(thread, ref number)) return _slots[number & ~OfAnother].Execution;
        }

        number = thread & (_slots.Length - 1);
        if (TryTakeAway(thread, number) && TryTake(thread, ref number)) return _slots[number & ~OfAnother].Execution;
        number = -1;
        return null;
    }

    private bool TryTake(int thread, ref int number)
    {
        ref Slot slot = ref _slots[number];
        int owner = Volatile.Read(ref slot.Owner);
        if (owner == Nobody) owner = Interlocked.CompareExchange(ref slot.Owner, thread, Nobody);
        if (owner == Nobody || (owner == thread && slot.IsInside == 0))
        {
            Volatile.Write(ref slot.IsInside, 1);
            if (Volatile.Read(ref slot.Owner) == thread) return true;
            Leave(number);
            return false;
        }

        if (owner == Draining && Volatile.Read(ref slot.IsInside) == 0)
        {
            owner = Interlocked.CompareExchange(ref slot.Owner, Shared, Draining);
            if (owner == Draining) owner = Shared;
        }

        if (owner != Shared || Interlocked.CompareExchange(ref slot.IsTaken, 1, 0) != 0) return false;
        number |= OfAnother;
        return true;
    }

    // Not from one that is inside: that would help nobody now.
    private bool TryTakeAway(int thread, int number)
    {
        ref Slot slot = ref _slots[number];
        int owner = Volatile.Read(ref slot.Owner);
        if (owner < 0 || owner == thread || Volatile.Read(ref slot.IsInside) != 0) return false;
        if (Interlocked.CompareExchange(ref slot.Owner, Revoking, owner) != owner) return false;
        Interlocked.MemoryBarrierProcessWide();
        return Interlocked.CompareExchange(ref slot.Owner, Draining, Revoking) == Revoking;
    }

    // One cache line: what the runs of one thread write is not looked at by others.
    private struct Slot
    {
        public BpfExecution? Execution;
        public int Owner;
        public int IsInside;
        public int IsTaken;
        private Padding _padding;   // the size of what has references cannot be given
    }

    [InlineArray(10)]
    private struct Padding
    {
        private int _first;
    }
}
