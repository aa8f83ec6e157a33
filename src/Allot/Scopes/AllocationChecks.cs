using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Checks that find wrong use of the allocation context in a running process. Off unless switched on; off,
/// they cost nothing that can be measured.</summary>
/// <remarks>The AppContext switch <c>Allot.AllocationChecks</c> in <c>runtimeconfig.json</c>, or the environment variable
/// <c>ALLOT_ALLOCATION_CHECKS=1</c>, switches them on from the start.</remarks>
public static class AllocationChecks
{
    private static bool s_isEnabled = ReadSwitch();

    /// <summary>Whether the checks are on, for the whole process. Scopes that are open at a change are not known to the
    /// checks.</summary>
    public static bool IsEnabled
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_isEnabled;
        set => s_isEnabled = value;
    }

    internal static void Check(AllocationFlags flags)
    {
        if ((ThreadContext.Restrictions & AllocationRestrictions.DenyAllocations) != 0)
        {
            throw new AllocationDeniedException($"Memory may be asked for ({flags}) inside of DenyAllocations.");
        }
    }

    private static bool ReadSwitch()
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
}
