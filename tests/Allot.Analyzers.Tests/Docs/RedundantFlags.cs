namespace Allot.Analyzers.Tests.Docs;

internal static class RedundantFlags
{
    internal static void Before(MemoryGroup group)
    {
        #region ALLOT001-before
        using (AllocationScope.NoFs())
        {
            group.Charge(MemoryKind.User, 4096, AllocationFlags.NoFs);
            AmbientCharging.Charge(MemoryKind.User, 4096, AllocationFlags.NoFs | AllocationFlags.Zero);
        }
        #endregion
    }

    internal static void After(MemoryGroup group)
    {
        #region ALLOT001-after
        using (AllocationScope.NoFs())
        {
            group.Charge(MemoryKind.User, 4096);
            AmbientCharging.Charge(MemoryKind.User, 4096, AllocationFlags.Kernel | AllocationFlags.Zero);
        }
        #endregion
    }
}
