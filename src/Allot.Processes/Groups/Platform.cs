using System.Runtime.InteropServices;
using Allot.Processes.Native;

namespace Allot.Processes;

/// <summary>Where groups of processes can run at all.</summary>
internal static class Platform
{
    /// <exception cref="ProcessGroupException">This is not Linux on x86-64 or arm64.</exception>
    public static SyscallTable RequireSupported()
    {
        if (OperatingSystem.IsLinux() && SyscallTable.Current is { } table) return table;
        throw new ProcessGroupException(
            ProcessGroupFailure.Unavailable,
            $"Groups of processes need Linux on x86-64 or arm64; this is {RuntimeInformation.OSDescription} on "
            + $"{RuntimeInformation.ProcessArchitecture}.");
    }
}
