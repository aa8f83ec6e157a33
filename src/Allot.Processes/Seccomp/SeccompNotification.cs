using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Processes.Seccomp;

/// <summary>One intercepted call, waiting for its answer (<c>struct seccomp_notif</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SeccompNotification
{
    /// <summary>
    /// Names this notification in the answer. A call that a signal interrupted comes again with another id.
    /// </summary>
    public ulong Id;

    /// <summary>The calling thread, as the supervisor's pid namespace sees it; 0 if it cannot see it.</summary>
    public int ThreadId;

    /// <summary>Zero today.</summary>
    public uint Flags;

    /// <summary>The call's number.</summary>
    public int SyscallNumber;

    /// <summary>The ABI of the call; the filter lets only the native one through.</summary>
    public uint AuditArchitecture;

    /// <summary>Where the call was made.</summary>
    public ulong InstructionPointer;

    /// <summary>The six argument registers.</summary>
    public SyscallArguments Arguments;

    /// <summary>Six argument registers, indexed from 0.</summary>
    [InlineArray(6)]
    public struct SyscallArguments
    {
        private ulong _first;
    }
}
