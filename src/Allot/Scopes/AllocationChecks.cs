// What the checks find is an exception where the call itself is wrong (denied), and a report where it is only known
// that something could go wrong: nothing has failed yet, and the program goes on.
//
// A case is reported once per place: per message and both stacks. So locks of one name that are used at the same places
// are one case. Besides, a lock, or the last two of a chain, are reported once wherever they are used. The places are
// remembered (ReportedPlaces), and their number is bounded.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Checks that find wrong use of the allocation context in a running process. Off unless switched on; off,
/// they cost nothing that can be measured.</summary>
/// <remarks>
/// <para>The AppContext switch <c>Allot.AllocationChecks</c> in <c>runtimeconfig.json</c>, or the environment
/// variable <c>ALLOT_ALLOCATION_CHECKS=1</c>, switches them on from the start. A build of Allot itself in Debug has
/// them on.</para>
/// <para>A place is reported once. After 1,000 places in one process nothing more is reported, which is said in a last
/// report (<see cref="AllocationReportKind.NoMoreReports"/>); exceptions are thrown as ever.</para>
/// </remarks>
public static class AllocationChecks
{
    private const int PlacesMax = 1000;

    private static readonly ReportedPlaces s_reported = new(PlacesMax);
    private static readonly Lock s_gate = new();
    private static Observation[] s_observers = [];
    private static bool s_isEnabled = ReadSwitch();

    /// <summary>Whether the checks are on, for the whole process. Scopes and locks that are entered at a change are not
    /// known to the checks.</summary>
    public static bool IsEnabled
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_isEnabled;
        set
        {
            if (value) ThreadContext.Intercept();
            s_isEnabled = value;
        }
    }

    /// <summary>Calls back for each report. Without observers reports go to <see cref="Trace"/>.</summary>
    /// <param name="observer">Called on the thread that was found out. What it throws is contained.</param>
    /// <returns>Dispose it to end the calls; one that has begun then may still be running.</returns>
    public static IDisposable Observe(Action<AllocationReport> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var observation = new Observation(observer);
        lock (s_gate) Volatile.Write(ref s_observers, [.. s_observers, observation]);
        return observation;
    }

    /// <summary>Called before each charge while the checks are on.</summary>
    /// <exception cref="AllocationDeniedException">The context denies allocations.</exception>
    internal static void CheckCharge(AllocationFlags flags, MemoryGroup? group)
    {
        AllocationRestrictions restrictions = ThreadContext.Restrictions;
        if ((restrictions & AllocationRestrictions.DenyAllocations) != 0)
        {
            throw new AllocationDeniedException(
                "Memory was asked for inside of AllocationScope.DenyAllocations. Allocate before the scope, or inside "
                + "of AllowAllocations." + OpenScopes.DescribeSetter(AllocationRestrictions.DenyAllocations));
        }

        CheckOrder(flags, group);
    }

    /// <summary>Checks the locks that are held where memory may be reclaimed.</summary>
    /// <param name="flags">What the request may do.</param>
    /// <param name="group">Who is charged; whoever it may be when null.</param>
    internal static void CheckOrder(AllocationFlags flags, MemoryGroup? group)
    {
        AllocationRestrictions restrictions = ThreadContext.Restrictions;
        bool mayReclaim = (flags & AllocationFlags.DirectReclaim) != 0
            && (restrictions & (AllocationRestrictions.NoReclaim | AllocationRestrictions.Atomic)) == 0;
        bool isChecked = mayReclaim && (flags & AllocationFlags.NoOrderCheck) == 0;
        if (isChecked) LockOrder.NoteAllocation(AllocationContext.Apply(flags, restrictions), group?.Controller);
    }

    /// <summary>Checks what a call says that it may do, besides what each charge is checked for.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]   // the one frame that is left out of the place
    internal static void CheckClaim(AllocationFlags flags, MemoryGroup? group)
    {
        CheckCharge(flags, group);
        bool isAtomic = (ThreadContext.Restrictions & AllocationRestrictions.Atomic) != 0;
        if (!isAtomic || (flags & AllocationFlags.DirectReclaim) == 0) return;
        string here = new StackTrace(skipFrames: 1, fNeedFileInfo: true).ToString();
        Report(new AllocationReport(
            AllocationReportKind.BlockingInAtomic,
            $"A call that may block ({flags}) is made inside of AllocationScope.Atomic, where it is refused instead of "
            + "waiting. Say NoWait if it can cope with that, or call it outside.",
            OpenScopes.FindSetter(AllocationRestrictions.Atomic)?.ToString() ?? "",
            here));
    }

    /// <summary>A charge that must succeed is about to pass a limit without reclaim.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void NoteMustSucceed()
    {
        Report(new AllocationReport(
            AllocationReportKind.MustSucceedWithoutReclaim,
            "A charge that must succeed is made inside of AllocationScope.NoReclaim, and a limit refuses it: it passes "
            + "the limit without anything being given back for it.",
            OpenScopes.FindSetter(AllocationRestrictions.NoReclaim)?.ToString() ?? "",
            new StackTrace(skipFrames: 1, fNeedFileInfo: true).ToString()));
    }

    internal static void Report(AllocationReport report) => Report(report, s_reported);

    internal static void Report(AllocationReport report, ReportedPlaces reported)
    {
        if (!reported.TryAdd($"{report.Message}{report.FirstStack}{report.SecondStack}", out bool isLast)) return;
        Tell(report);
        if (!isLast) return;
        Tell(new AllocationReport(
            AllocationReportKind.NoMoreReports,
            $"The allocation checks have reported {reported.PlacesMax} places in this process, and report nothing from "
            + "here on. Mend what was reported first.",
            "",
            ""));
    }

    private static void Tell(AllocationReport report)
    {
        Observation[] observers = Volatile.Read(ref s_observers);
        if (observers.Length == 0) TraceReport.Error(report.ToString());
        foreach (Observation observation in observers)
        {
            try
            {
                using ForeignScope scope = ForeignScope.Enter();
                observation.Observer(report);
            }
            catch (Exception thrown)
            {
                TraceReport.Error($"an observer of the allocation checks threw, which was contained: {thrown}");
            }
        }
    }

    private static bool ReadSwitch()
    {
        bool isEnabled = IsSwitchedOn();
        if (isEnabled) ThreadContext.Intercept();
        return isEnabled;
    }

    private static bool IsSwitchedOn()
    {
        if (AppContext.TryGetSwitch("Allot.AllocationChecks", out bool isEnabled)) return isEnabled;
        string? variable = Environment.GetEnvironmentVariable("ALLOT_ALLOCATION_CHECKS");
        if (variable is not null) return variable is "1" or "true";
#if DEBUG
        return true;
#else
        return false;
#endif
    }

    private sealed class Observation(Action<AllocationReport> observer) : IDisposable
    {
        public Action<AllocationReport> Observer => observer;

        public void Dispose()
        {
            lock (s_gate)
            {
                int index = Array.IndexOf(s_observers, this);
                if (index < 0) return;
                Volatile.Write(ref s_observers, [.. s_observers[..index], .. s_observers[(index + 1)..]]);
            }
        }
    }
}
