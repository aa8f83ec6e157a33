namespace Allot.Analyzers.Tests.Docs;

internal static class HandedThroughFlags
{
    internal sealed class Before
    {
        private readonly object _gate = new();
        private readonly MemoryGroup _group = new MemoryController().Root;

        #region ALLOT002-before
        public void Commit()
        {
            lock (_gate)
            {
                // Eviction takes the gate too.
                Write(4096, AllocationFlags.NoFs);
            }
        }

        private void Write(int bytes, AllocationFlags flags) => Grow(bytes, flags);

        private void Grow(int bytes, AllocationFlags flags) => _group.Charge(MemoryKind.User, bytes, flags);
        #endregion
    }

    internal sealed class After
    {
        private readonly object _gate = new();
        private readonly MemoryGroup _group = new MemoryController().Root;

        #region ALLOT002-after
        public void Commit()
        {
            lock (_gate)
            {
                // Eviction takes the gate too.
                using (AllocationScope.NoFs())
                {
                    Write(4096);
                }
            }
        }

        private void Write(int bytes) => Grow(bytes);

        private void Grow(int bytes) => _group.Charge(MemoryKind.User, bytes);
        #endregion
    }
}
