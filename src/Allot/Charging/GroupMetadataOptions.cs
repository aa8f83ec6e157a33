namespace Allot;

/// <summary>Who pays for groups themselves: an option of a tree.</summary>
public static class GroupMetadataOptions
{
    extension(MemoryControllerOptions options)
    {
        /// <summary>Whether a group is charged, as kernel memory, for each group that is created directly below it.
        /// Default: false, so that counters read exactly what was charged to them.</summary>
        /// <remarks>
        /// <para>What is charged is an estimate of the managed memory of the new group: 264 bytes, its name, and more
        /// for limits of kernel memory and pins, protection and out-of-memory settings that it is created with. It is
        /// the same number until the group is removed, and is then given back. What a group grows in use is not
        /// charged: at most about 900 bytes. The root pays for those below it, and nobody for the root.</para>
        /// <para>With it, creating a group can be refused, by a limit of kernel memory or of all memory:
        /// <see cref="MemoryLimitExceededException"/>, and nothing has changed. Before that it does what a
        /// <c>Charge</c> does, so it can block, and goes by the same scopes, save for
        /// <see cref="AllocationScope.BlockAccounting"/>: what is given back later is always counted. A group whose
        /// kernel memory is not counted, see <see cref="MemoryControllerOptions.KernelAccounting"/>, pays nothing.
        /// </para>
        /// </remarks>
        public bool ChargesGroupMetadata
        {
            get => options.GroupPayerOrNull is not null;
            set => options.GroupPayerOrNull = value ? GroupMetadataCharging.Instance : null;
        }
    }
}
