namespace Allot;

/// <summary>Charging with an owner.</summary>
public static class GroupHolding
{
    extension(MemoryGroup group)
    {
        /// <summary>Charges bytes, as <c>Charge</c> does, and returns their owner, which gives them back when disposed.
        /// </summary>
        /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>; more can be added later.</param>
        /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
        /// charged.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        public MemoryCharge Hold(MemoryKind kind, long bytes = 0)
        {
            GroupCharging.ValidateKind(kind);
            GroupCharging.ValidateAmount(bytes);
            var charge = new MemoryCharge(group, kind);   // first: after the charge nothing can fail
            try
            {
                charge.Grow(bytes);
                return charge;
            }
            catch
            {
                charge.Dispose();
                throw;
            }
        }
    }
}
