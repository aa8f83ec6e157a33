namespace Allot;

/// <summary>Attaching policies to groups.</summary>
public static class GroupAttaching
{
    extension(MemoryGroup group)
    {
        /// <summary>Puts a policy in force for the group and all groups below it.</summary>
        /// <param name="policy">What decides, or is told. One may be attached to many groups.</param>
        /// <returns>Dispose it to end; a call that has begun then may still be running. Removal of the group does the
        /// same.</returns>
        /// <remarks>A group has one policy, and the groups above have theirs. A group without one costs nothing more
        /// than before.</remarks>
        /// <exception cref="InvalidOperationException">The group was removed, or has a policy already.</exception>
        public IDisposable Attach(MemoryPolicy policy)
        {
            ArgumentNullException.ThrowIfNull(policy);
            var attachment = new PolicyAttachment(group, policy);
            attachment.Attach();
            return attachment;
        }
    }
}
