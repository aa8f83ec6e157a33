// What this process was given when it started and what the .NET runtime has changed since, so that a command can be
// started as if Allot were not in between. /proc knows the present only, so the past is inferred:
//
//   ignored signals  What the runtime finds ignored it leaves ignored, except that it always ignores SIGPIPE. Whether
//                    SIGPIPE was ignored before is asked of the parent, if that is a program known to hand on what it
//                    ignores (a shell after trap '' PIPE, an init system). Language runtimes ignore SIGPIPE for
//                    themselves only and must not be believed.
//   signal mask      The runtime leaves the main thread's mask alone.
//   open files       The runtime raises the soft limit to the hard one. The parent's soft limit is what was inherited,
//                    if the hard limits agree.

using System.Globalization;
using Allot.Processes.Native;

namespace Allot.Processes.Launching;

/// <summary>The state of a process that its command inherits through exec.</summary>
/// <param name="IgnoredSignals">Bit n-1 is signal n: the command starts with it ignored; all others have their default.</param>
/// <param name="BlockedSignals">The signal mask of the command's first thread, in the same form.</param>
/// <param name="OpenFilesSoftLimit">The soft limit of open files; null keeps the launcher's.</param>
internal sealed record InheritedState(ulong IgnoredSignals, ulong BlockedSignals, ulong? OpenFilesSoftLimit)
{
    private static readonly string[] s_handingOn =
        ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox", "systemd", "init", "runit", "runsv"];

    /// <summary>What the command would have inherited from our parent, had we not been there.</summary>
    public static InheritedState OfThisProcess()
    {
        Dictionary<string, string> own = ReadFields("/proc/self/status");
        int parentId = int.TryParse(own.GetValueOrDefault("PPid"), CultureInfo.InvariantCulture, out int id) ? id : 0;
        Dictionary<string, string> parent = parentId > 0 ? ReadFields($"/proc/{parentId}/status") : [];

        ulong pipe = SignalNumber.Bit(SignalNumber.SIGPIPE);
        ulong ignored = Mask(own, "SigIgn") & ~pipe;
        if (s_handingOn.Contains(parent.GetValueOrDefault("Name"))) ignored |= Mask(parent, "SigIgn") & pipe;

        // Our main thread's mask: /proc/self/status is the main thread's.
        ulong blocked = Mask(own, "SigBlk");
        return new InheritedState(ignored, blocked, parentId > 0 ? OpenFilesSoftLimitOf(parentId) : null);
    }

    private static unsafe ulong? OpenFilesSoftLimitOf(int parentId)
    {
        LibC.ResourceLimit own;
        if (LibC.PrLimit(0, LibC.RLIMIT_NOFILE, null, &own) < 0) return null;
        return TryReadOpenFiles($"/proc/{parentId}/limits", out LibC.ResourceLimit parents) && parents.Hard == own.Hard
            ? parents.Soft
            : null;
    }

    // The line is "Max open files            1024                 524288               files".
    private static bool TryReadOpenFiles(string path, out LibC.ResourceLimit limit)
    {
        const string Title = "Max open files";
        limit = default;
        foreach (string line in ReadLines(path))
        {
            if (!line.StartsWith(Title, StringComparison.Ordinal)) continue;
            string[] words = line[Title.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Length >= 2 && TryReadLimit(words[0], out limit.Soft) && TryReadLimit(words[1], out limit.Hard);
        }
        return false;
    }

    private static bool TryReadLimit(string word, out ulong value)
    {
        value = LibC.ResourceLimit.Infinity;
        return word == "unlimited" || ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static ulong Mask(Dictionary<string, string> fields, string name) =>
        ulong.TryParse(
            fields.GetValueOrDefault(name), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mask)
            ? mask
            : 0;

    private static Dictionary<string, string> ReadFields(string path)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in ReadLines(path))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) fields[line[..colon]] = line[(colon + 1)..].Trim();
        }
        return fields;
    }

    // A parent may be gone, or hidden from us: then it tells nothing.
    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
