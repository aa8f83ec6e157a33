namespace Allot.Processes.Cgroups;

/// <summary>Files that hold words or numbers, separated by white space.</summary>
internal static class CgroupWords
{
    private static readonly char[] s_space = [' ', '\n', '\t'];

    internal static bool Contain(string? text, string word) =>
        text is not null && text.Split(s_space, StringSplitOptions.RemoveEmptyEntries).Contains(word);

    /// <summary>Whether a kernel command line has "key=a,b,c" with <paramref name="value"/> among them.</summary>
    internal static bool HasBootOption(string? commandLine, string key, string value) =>
        commandLine is not null && commandLine.Split(s_space)
            .Where(word => word.StartsWith(key + "=", StringComparison.Ordinal))
            .Any(word => word[(key.Length + 1)..].Split(',').Contains(value));

    /// <summary>The pids of a cgroup.procs file. A process of another pid namespace reads as 0.</summary>
    internal static IReadOnlyList<int> Pids(string? text) =>
        text is null ? [] :
        [.. text.Split(s_space, StringSplitOptions.RemoveEmptyEntries)
            .Select(word => int.TryParse(word, out int pid) ? pid : 0)];
}
