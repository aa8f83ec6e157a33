namespace Allot.Analyzers.Tests.Docs;

internal static class MustSucceedInAtomic
{
    internal static void Before(MemoryGroup group)
    {
        #region ALLOT004-before
        using (AllocationScope.Atomic())
        {
            group.Charge(MemoryKind.User, 4096, AllocationFlags.Kernel | AllocationFlags.MustSucceed);
        }
        #endregion
    }

    internal static void After(MemoryGroup group)
    {
        #region ALLOT004-after
        group.Charge(MemoryKind.User, 4096, AllocationFlags.Kernel | AllocationFlags.MustSucceed);
        using (AllocationScope.Atomic())
        {
            // What was charged before is used here.
        }
        #endregion
    }
}
