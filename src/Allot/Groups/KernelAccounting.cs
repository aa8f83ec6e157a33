// Whether the kernel memory of one group is counted.
//
// Terms. A group starts as *counted*, or as not counted; it may become counted once, while it is *empty* (no children,
// no bytes, no handles), and never the other way. Handles are counted here for this purpose, and only until then.
//
// Protocol. _state decides, by one CAS: a handle enters if the group is not counted, and counting starts if no handle
// is inside. So every handle knows for good whether it was counted, and nobody starts to count below a handle.
// Charges without a handle are remembered nowhere. One that is let through while another thread starts to count is
// one that came before.
//
// _passes is only a shortcut for the hot path: set => the group is online and not counted. It is written under the lock
// of the tree, at the first charge that comes by (which is what makes HadUncounted true), and cleared by the start of
// counting and by removal.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal struct KernelAccounting(bool isCounted)
{
    private const int Counted = -1;

    // Counted, or the number of handles.
    private int _state = isCounted ? Counted : 0;
    private bool _passes;
    private bool _hadUncounted;

    public readonly bool IsCounted => Volatile.Read(in _state) == Counted;

    /// <summary>Whether kernel memory was charged before it was counted.</summary>
    public readonly bool HadUncounted => Volatile.Read(in _hadUncounted);

    /// <summary>Handles that hold the group while it is not counted.</summary>
    public readonly int Handles => Math.Max(0, Volatile.Read(in _state));

    /// <summary>Whether a kernel charge, or its uncharge, has nothing to do. False also where it takes a closer look
    /// to say.</summary>
    public readonly bool Passes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(in _passes);
    }

    /// <summary>A handle holds the group from here on.</summary>
    /// <returns>False when the group is counted, and nobody has to know.</returns>
    public bool TryEnter()
    {
        for (int state = Volatile.Read(ref _state); state != Counted;)
        {
            int seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state) return true;
            state = seen;
        }

        return false;
    }

    /// <summary>Ends what <see cref="TryEnter"/> began.</summary>
    public void Leave()
    {
        int left = Interlocked.Decrement(ref _state);
        Debug.Assert(left >= 0, "Who leaves has entered, and meanwhile nobody starts to count.");
    }

    /// <summary>Counts from here on, if no handle is inside.</summary>
    public bool TryStart_NeedsLock()
    {
        int seen = Interlocked.CompareExchange(ref _state, Counted, 0);
        if (seen is not (0 or Counted)) return false;
        Volatile.Write(ref _passes, false);
        return true;
    }

    /// <summary>Lets charges pass from here on, if the group is not counted.</summary>
    /// <returns>False when it is counted.</returns>
    public bool TryPass_NeedsLock(bool isOnline)
    {
        if (IsCounted) return false;
        Volatile.Write(ref _hadUncounted, true);
        Volatile.Write(ref _passes, isOnline);
        return true;
    }

    /// <summary>The group was removed or killed: every charge looks closer.</summary>
    public void Close_NeedsLock() => Volatile.Write(ref _passes, false);
}
