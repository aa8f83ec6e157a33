// What this process was given when it started and what the .NET runtime has changed since, so that a command can be
// started as if Allot were not in between. /proc knows the present only, so the past is inferred:
//
//   ignored signals  What the runtime finds ignored it leaves ignored, except that it always ignores SIGPIPE and always
//                    handles SIGTERM. Whether those two were ignored before is asked of the parent, if that is a
//                    program known to hand on what it ignores (a shell after trap '' PIPE, an init system). Language
//                    runtimes ignore SIGPIPE, and interactive shells SIGTERM, for themselves only: not to be believed.
//   signal mask      The runtime leaves the main thread's mask alone.
//   open files       The runtime raises the soft limit to the hard one. The parent's soft limit is what was inherited,
//                    if the hard limits agree.

using System.Globalization;
using Allot.Processes.Native;

namespace Allot.Processes.Launching;

/// <summary>The state of a process that its command inherits through exec.</summary>
/// <param name="IgnoredSignals">
/// Bit n-1 is signal n: the command starts with it ignored; all others have their default.
/// </param>
/// <param name="BlockedSignals">The signal mask of the command's first thread, in the same form.</param>
/// <param name="OpenFilesSoftLimit">The soft limit of open files; null keeps the launcher's.</param>
internal sealed record InheritedState(ulong IgnoredSignals, ulong BlockedSignals, ulong? OpenFilesSoftLimit)
{
    private static readonly string[] s_handingOn =
        ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox", "systemd", "init", "runit", "runsv"];

    // Asked once: launching changes some of it (ReapableChildren), and the parent may go.
    private static readonly Lazy<InheritedState> s_ofThisProcess = new(ReadOfThisProcess);

    /// <summary>What the command would have inherited from our parent, had we not been there.</summary>
    public static InheritedState OfThisProcess() => s_ofThisProcess.Value;

    private static unsafe InheritedState ReadOfThisProcess()
    {
        string[] own = ReadLines("/proc/self/status");
        string? parent = Field(own, "PPid");
        LibC.ResourceLimit limit;
        if (LibC.PrLimit(0, LibC.RLIMIT_NOFILE, null, &limit) < 0) limit = default;
        return Infer(own, ReadLines($"/proc/{parent}/status"), ReadLines($"/proc/{parent}/limits"), limit);
    }

    /// <summary>
    /// The same from the lines of the files: our status, our parent's status and limits, and our own limit.
    /// </summary>
    internal static InheritedState Infer(
        string[] ownStatus, string[] parentStatus, string[] parentLimits, LibC.ResourceLimit ownOpenFiles)
    {
        ulong pipe = SignalNumber.Bit(SignalNumber.SIGPIPE);
        ulong terminate = SignalNumber.Bit(SignalNumber.SIGTERM);
        ulong jobControl = SignalNumber.Bit(SignalNumber.SIGTTOU); // ignored by interactive shells
        ulong ignored = Mask(ownStatus, "SigIgn") & ~(pipe | terminate);
        if (s_handingOn.Contains(Field(parentStatus, "Name")))
        {
            ulong parents = Mask(parentStatus, "SigIgn");
            ignored |= parents & ((parents & jobControl) == 0 ? pipe | terminate : pipe);
        }

        ulong? openFiles =
            TryReadOpenFiles(parentLimits, out LibC.ResourceLimit given) && given.Hard == ownOpenFiles.Hard
                ? given.Soft
                : null;
        return new InheritedState(ignored, Mask(ownStatus, "SigBlk"), openFiles);
    }

    // The line is "Max open files            1024                 524288               files".
    private static bool TryReadOpenFiles(string[] limits, out LibC.ResourceLimit limit)
    {
        const string Title = "Max open files";
        limit = default;
        string? line = limits.FirstOrDefault(static l => l.StartsWith(Title, StringComparison.Ordinal));
        if (line is null) return false;
        string[] words = line[Title.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length >= 2 && TryReadLimit(words[0], out limit.Soft) && TryReadLimit(words[1], out limit.Hard);
    }

    private static bool TryReadLimit(string word, out ulong value)
    {
        value = LibC.ResourceLimit.Infinity;
        return word == "unlimited" || ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static ulong Mask(string[] status, string name) =>
        ulong.TryParse(
            Field(status, name), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mask)
            ? mask
            : 0;

    // A line of status is "Name:\tvalue".
    private static string? Field(string[] status, string name)
    {
        string? line = status.FirstOrDefault(
            l => l.StartsWith(name, StringComparison.Ordinal) && l.AsSpan(name.Length).StartsWith(":"));
        return line?[(name.Length + 1)..].Trim();
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
