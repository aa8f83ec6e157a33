// What the scopes of this thread say: the restrictions as one word of bits, and the group that is charged.
//
// The word. Open == 0 outside of all scopes; inside, it is the token of the innermost open scope and, in its low bits,
// what all open scopes together restrict. A guard keeps the word that it has found and the one that it has made. It may
// leave only while Open is the one it has made: so order is checked by one comparison, and a copy of a guard that was
// left long ago matches nothing, because no token is given twice. Tokens of a thread grow, and two threads have
// different ones: their top bits are a number of the thread. After 2^32 scopes they run on into the
// numbers of the next thread, and numbers come again after 2^16 threads: a misuse may then be told as another one.
//
// The carriers. What the flow (FlowingScope, on an AsyncLocal) restricts holds as well. It is looked up only once some
// flow has restricted something: most flows only have a group.
//
// Numbers only, in a thread-static struct, which needs no object. Groups are in ThreadGroups.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal struct ThreadContext
{
    private const int RestrictionBits = 16;
    private const ulong RestrictionMask = (1UL << RestrictionBits) - 1;
    private const ulong TokenStep = 1UL << RestrictionBits;
    private const int ThreadShift = 48;

    // What every charge has to look at, also one that fits.
    private const AllocationRestrictions LooksAtAll =
        AllocationRestrictions.DenyAllocations | AllocationRestrictions.BlockAccounting;

    private static int s_threads;

    // Once true, true for ever: so it is a word that nobody writes.
    private static bool s_intercepts;
    private static bool s_flowsRestrict;

    [ThreadStatic] private static ThreadContext t_own;

    private ulong _open;
    private ulong _lastToken;
    private FlowContext _seenFlow;
    private AllocationRestrictions _ofSeenFlow;

    /// <summary>Whether charges look at their context also where nothing is refused: some thread has denied allocations
    /// or blocked accounting, or the checks were switched on. Charges from what a thread holds in advance do not look
    /// at all; where they have to, the thread's fast path is paused.</summary>
    public static bool Intercepts
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_intercepts;
    }

    /// <summary>Whether what this thread charges and uncharges is not counted.</summary>
    public static bool BlocksAccounting => (Restrictions & AllocationRestrictions.BlockAccounting) != 0;

    /// <summary>What holds for this thread now.</summary>
    public static AllocationRestrictions Restrictions
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_flowsRestrict ? RestrictionsInFlow() : (AllocationRestrictions)(t_own._open & RestrictionMask);
    }

    /// <summary>The word of the innermost open scope of this thread; 0 outside of all.</summary>
    public static ulong Open => t_own._open;

    /// <summary>From here on, <see cref="Intercepts"/>.</summary>
    public static void Intercept()
    {
        if (!s_intercepts) s_intercepts = true;
    }

    /// <summary>A flow is about to restrict something, for the first time perhaps.</summary>
    public static void ExpectFlowing()
    {
        if (!s_flowsRestrict) s_flowsRestrict = true;
    }

    /// <summary>The thread remembers what holds in a flow, which is the one that it works for now.</summary>
    public static void RememberFlow(FlowContext seen, AllocationRestrictions restrictions)
    {
        ref ThreadContext own = ref t_own;
        own._seenFlow = seen;
        own._ofSeenFlow = restrictions;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong Outer, ulong Mine) Enter(AllocationRestrictions set, AllocationRestrictions clear = default)
    {
        ref ThreadContext own = ref t_own;
        ulong last = own._lastToken;
        if (last == 0) last = FirstToken();
        ulong token = last + TokenStep;
        ulong outer = own._open;
        ulong mine = token | (((outer | (ulong)set) & ~(ulong)clear) & RestrictionMask);
        own._lastToken = token;
        own._open = mine;
        if (((set | clear) & LooksAtAll) != 0) PauseOrResume(outer, mine);
        return (outer, mine);
    }

    /// <summary>Leaves a scope.</summary>
    /// <param name="outer">The word that it has found.</param>
    /// <param name="mine">The word that it has made.</param>
    /// <returns>False when it was left before.</returns>
    /// <exception cref="ScopeMisuseException">It is not the innermost, or of another thread; nothing has
    /// changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Leave(ulong outer, ulong mine)
    {
        ref ThreadContext own = ref t_own;
        if (own._open != mine) return FailToLeave(mine, own._open, own._lastToken);
        own._open = outer;
        if (((outer ^ mine) & (ulong)LooksAtAll) != 0) PauseOrResume(mine, outer);
        return true;
    }

    /// <summary>Leaves a scope with all that were entered inside of it and are still open: foreign code forgets them.
    /// </summary>
    public static void LeaveAll(ulong outer)
    {
        ulong innermost = t_own._open;
        t_own._open = outer;
        PauseOrResume(innermost, outer);
    }

    /// <summary>Which thread a token is of: not its managed id, but different for different threads.</summary>
    internal static ulong ThreadOf(ulong word) => word >> ThreadShift;

    internal static ulong TokenOf(ulong word) => word & ~RestrictionMask;

    // Not inlined: so it is compiled by what is measured in it, with the calls of the runtime inlined, whatever was
    // called before the first flow.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static AllocationRestrictions RestrictionsInFlow()
    {
        ref ThreadContext own = ref t_own;
        var ofThread = (AllocationRestrictions)(own._open & RestrictionMask);
        return ofThread | (own._seenFlow.IsCurrent ? own._ofSeenFlow : ThreadGroups.LookUpRestrictions());
    }

    // The fast path of the thread is paused, once, while either of the two restrictions holds.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PauseOrResume(ulong from, ulong to)
    {
        bool wasPaused = (from & (ulong)LooksAtAll) != 0, isPaused = (to & (ulong)LooksAtAll) != 0;
        bool isDenied = (to & (ulong)AllocationRestrictions.DenyAllocations) != 0;
        if (isDenied && AllocationChecks.IsEnabled) ThreadReserves.GiveBackOwn();   // handles are denied as well
        if (wasPaused == isPaused) return;
        if (isPaused) ThreadReserves.PauseFastPath();
        else ThreadReserves.ResumeFastPath();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong FirstToken() => (ulong)(ushort)Interlocked.Increment(ref s_threads) << ThreadShift;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool FailToLeave(ulong mine, ulong open, ulong last)
    {
        Debug.Assert(mine != 0, "A guard that guards nothing is not left.");
        if (ThreadOf(mine) != ThreadOf(last)) throw ScopeMisuseException.OnAnotherThread(mine);
        bool isLeftAlready = TokenOf(mine) > TokenOf(open);
        if (isLeftAlready) return false;
        throw ScopeMisuseException.OutOfOrder(mine, open);
    }
}
