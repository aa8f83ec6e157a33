namespace Allot;

/// <summary>Making a group the current one.</summary>
public static class GroupScopes
{
    extension(MemoryGroup group)
    {
        /// <summary>The calling thread charges this group until the scope is disposed, where a call names none.
        /// </summary>
        /// <returns>The scope; it cannot cross an <c>await</c>.</returns>
        public ActiveGroupScope Enter() => AllocationScope.ActiveGroup(group);

        /// <summary>The asynchronous work that begins here charges this group until the scope is disposed, where a call
        /// names none.</summary>
        public FlowingScope EnterFlow() => FlowingScope.ActiveGroup(group);

        /// <summary>The current group: <see cref="AllocationContext.ActiveGroup"/>.</summary>
        public static MemoryGroup? Current => AllocationContext.ActiveGroup;
    }
}
