namespace Allot;

/// <summary>A group as the control files of the kernel.</summary>
public static class GroupView
{
    extension(MemoryGroup group)
    {
        /// <summary>The group as the kernel would show it: files of text, with the kernel's names and formats. No files
        /// of the operating system are involved.</summary>
        public GroupFiles Files => new(group);
    }
}
