namespace Allot.Processes.Cgroups;

/// <summary>The cgroups that a process is in, from the text of /proc/PID/cgroup.</summary>
/// <param name="MemoryVersion1">Its cgroup in the version 1 memory hierarchy; null when there is none.</param>
/// <param name="Unified">Its cgroup in the version 2 hierarchy; null when the kernel has none.</param>
internal readonly record struct OwnCgroups(string? MemoryVersion1, string? Unified)
{
    /// <remarks>
    /// Lines are "id:controllers:path". The unified hierarchy is the line "0::path". Only the first two colons
    /// separate;
    /// later ones belong to the path, which is written without escapes.
    /// </remarks>
    internal static OwnCgroups Parse(string text)
    {
        string? memory = null, unified = null;
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split(':', 3);
            if (fields.Length != 3) continue;
            if (fields[0] == "0" && fields[1].Length == 0) unified = WithoutDeletedMark(fields[2]);
            else if (fields[1].Split(',').Contains("memory")) memory = WithoutDeletedMark(fields[2]);
        }
        return new OwnCgroups(memory, unified);
    }

    /// <summary>The kernel marks a cgroup that was removed around a process (a zombie). The directory then fails to
    /// open.</summary>
    private static string WithoutDeletedMark(string path)
    {
        const string Mark = " (deleted)";
        return path.EndsWith(Mark, StringComparison.Ordinal) ? path[..^Mark.Length] : path;
    }
}
