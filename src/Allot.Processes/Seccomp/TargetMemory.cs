using System.Runtime.InteropServices;
using Allot.Processes.Native;

namespace Allot.Processes.Seccomp;

/// <summary>Reads the memory of another process.</summary>
internal static unsafe class TargetMemory
{
    /// <summary>
    /// Copies bytes from the address space of a thread. Needs the right to trace it. Allocates nothing.
    /// </summary>
    /// <remarks>
    /// What it reads can have changed before the kernel reads it: good for estimates, never for security. And the
    /// thread id may have a new owner: ask <see cref="SeccompListener.IsValid"/> afterwards.
    /// </remarks>
    /// <returns>
    /// True when every byte was read; false when the thread is gone, not ours to read, or the range is not mapped.
    /// </returns>
    public static bool TryRead(int threadId, ulong address, Span<byte> destination)
    {
        if (destination.IsEmpty) return true;
        fixed (byte* buffer = destination)
        {
            var local = new LibC.IoVector { Base = buffer, Length = (nuint)destination.Length };
            var remote = new LibC.IoVector { Base = (void*)address, Length = (nuint)destination.Length };
            return LibC.ProcessVmRead(threadId, &local, 1, &remote, 1, 0) == destination.Length;
        }
    }

    /// <summary>One word of 64 bits, like <see cref="TryRead"/>; 0 when it cannot be read.</summary>
    public static ulong ReadWord(int threadId, ulong address)
    {
        ulong word = 0;
        return TryRead(threadId, address, MemoryMarshal.AsBytes(new Span<ulong>(ref word))) ? word : 0;
    }
}
