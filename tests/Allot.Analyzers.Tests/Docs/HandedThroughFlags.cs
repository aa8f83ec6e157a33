namespace Allot.Analyzers.Tests.Docs;

internal static class HandedThroughFlags
{
    internal sealed class Before(MemoryGroup group, Lock gate)
    {
        #region ALLOT002-before
        public void Commit()
        {
            lock (gate)
            {
                // Eviction takes the gate too.
                Write(4096, AllocationFlags.NoFs);
            }
        }

        private void Write(int bytes, AllocationFlags flags) => Grow(bytes, flags);

        private void Grow(int bytes, AllocationFlags flags) => group.Charge(MemoryKind.User, bytes, flags);
        #endregion
    }

    internal sealed class After(MemoryGroup group, Lock gate)
    {
        #region ALLOT002-after
        public void Commit()
        {
            lock (gate)
            {
                // Eviction takes the gate too.
                using (AllocationScope.NoFs())
                {
                    Write(4096);
                }
            }
        }

        private void Write(int bytes) => Grow(bytes);

        private void Grow(int bytes) => group.Charge(MemoryKind.User, bytes);
        #endregion
    }
}
