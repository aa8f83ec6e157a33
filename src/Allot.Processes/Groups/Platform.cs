using System.Runtime.InteropServices;
using Allot.Processes.Native;

namespace Allot.Processes;

/// <summary>Where groups of processes can run at all.</summary>
internal static class Platform
{
    // Waiting for a process by its descriptor is of 5.4, and the answer that lets an intercepted call go on is of 5.5:
    // without it every intercepted call would fail, and nothing in the installation of the filter tells. What is of
    // later kernels is done without where it is missing.
    private static readonly Version s_oldestKernel = new(5, 5);

    /// <exception cref="ProcessGroupException">This is not Linux on x86-64 or arm64, or it is too old.</exception>
    public static SyscallTable RequireSupported()
    {
        if (!OperatingSystem.IsLinux() || SyscallTable.Current is not { } table)
        {
            throw new ProcessGroupException(
                ProcessGroupFailure.Unavailable,
                $"Groups of processes need Linux on x86-64 or arm64; this is {RuntimeInformation.OSDescription} on "
                + $"{RuntimeInformation.ProcessArchitecture}.");
        }

        Version kernel = Environment.OSVersion.Version;
        if (kernel >= s_oldestKernel) return table;
        throw new ProcessGroupException(
            ProcessGroupFailure.Unavailable,
            $"Groups of processes need Linux {s_oldestKernel} or later; this kernel says that it is {kernel}.");
    }
}
