namespace Allot.Analyzers.Tests.Docs;

internal static class LostScope
{
    internal static void Before(MemoryGroup group)
    {
        #region ALLOT003-before
        AllocationScope.NoFs();
        group.Charge(MemoryKind.User, 4096);
        #endregion
    }

    internal static void After(MemoryGroup group)
    {
        #region ALLOT003-after
        using ThreadScope scope = AllocationScope.NoFs();
        group.Charge(MemoryKind.User, 4096);
        #endregion
    }
}
