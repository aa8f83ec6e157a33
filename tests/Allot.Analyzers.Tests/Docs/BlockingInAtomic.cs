namespace Allot.Analyzers.Tests.Docs;

internal static class BlockingInAtomic
{
    internal static void Before(Task<int> size, MemoryGroup group)
    {
        #region ALLOT005-before
        using (AllocationScope.Atomic())
        {
            group.TryCharge(MemoryKind.User, size.Result, out _);
        }
        #endregion
    }

    internal static async Task After(Task<int> size, MemoryGroup group)
    {
        #region ALLOT005-after
        int bytes = await size;
        using (AllocationScope.Atomic())
        {
            group.TryCharge(MemoryKind.User, bytes, out _);
        }
        #endregion
    }
}
