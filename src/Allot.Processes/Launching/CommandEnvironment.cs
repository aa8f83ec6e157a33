// The environment of this process as bytes: variables need not be valid text, and the runtime's view of them is a copy
// that cannot be handed on unchanged.

using System.Runtime.InteropServices;
using System.Text;

namespace Allot.Processes.Launching;

/// <summary>The environments of the command and of its launcher.</summary>
internal static unsafe class CommandEnvironment
{
    // Settings of .NET that the launcher needs to find its runtime. All others are meant for the command: a start-up
    // hook, a profiler or a diagnostics port that suspends has no business in the launcher.
    private static readonly string[] s_runtimeSettings = ["DOTNET_", "COMPlus_", "CORECLR_", "COREHOST_"];
    private static readonly string[] s_kept =
        ["DOTNET_ROOT", "DOTNET_ROLL_FORWARD", "DOTNET_BUNDLE_EXTRACT_BASE_DIR"];

    // The launcher leaves by exec, so what the runtime puts into the file system would stay: no diagnostics. And it
    // lives for a few milliseconds on one thread: no background work, no tables of cultures.
    private static readonly string[] s_launcherSettings =
    [
        "DOTNET_EnableDiagnostics=0", "DOTNET_TieredPGO=0", "DOTNET_gcConcurrent=0",
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1",
    ];

    // Says to a program that was started as a launcher, and did not notice, what it is. Never given to the command.
    private const string LauncherMark = "ALLOT_IS_LAUNCHER";

    /// <summary>Whether this process was started as a launcher.</summary>
    public static bool IsLauncher => Environment.GetEnvironmentVariable(LauncherMark) is not null;

    /// <summary>Every variable of this process, as <c>NAME=value</c>: what the command gets.</summary>
    public static List<byte[]> OfThisProcess()
    {
        List<byte[]> variables = [];
        nint program = NativeLibrary.GetMainProgramHandle();
        if (!NativeLibrary.TryGetExport(program, "environ", out nint symbol)) return variables;
        for (byte** next = *(byte***)symbol; next != null && *next != null; next++)
        {
            variables.Add(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*next).ToArray());
        }
        return variables;
    }

    /// <summary>The launcher's environment, made from the command's.</summary>
    public static List<byte[]> ForLauncher(List<byte[]> command)
    {
        List<byte[]> variables =
            [.. command.Where(static v => !StartsWithAny(v, s_runtimeSettings) || StartsWithAny(v, s_kept))];
        variables.Add(Encoding.UTF8.GetBytes($"{LauncherMark}=1"));
        foreach (string setting in s_launcherSettings) variables.Add(Encoding.UTF8.GetBytes(setting));
        return variables;
    }

    private static bool StartsWithAny(byte[] variable, string[] prefixes)
    {
        foreach (string prefix in prefixes)
        {
            if (variable.Length < prefix.Length) continue;
            if (Ascii.Equals(variable.AsSpan(0, prefix.Length), prefix)) return true;
        }
        return false;
    }
}
