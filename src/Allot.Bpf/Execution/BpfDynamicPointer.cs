using System.Runtime.CompilerServices;

namespace Allot.Bpf;

/// <summary>A dynamic pointer as it lies in a stack. A program that was not verified can write anything there: whoever
/// uses the memory asks the run for it.</summary>
/// <param name="Data">The first byte; 0 of a pointer to nothing.</param>
/// <param name="Length">The bytes from there on.</param>
internal readonly record struct BpfDynamicPointer(ulong Data, ulong Length)
{
    /// <summary>What it takes.</summary>
    public const int Bytes = 16;

    /// <summary>The most bytes that it can point to, as in Linux.</summary>
    public const ulong LengthMax = (1 << 24) - 1;

    /// <summary>Reads one from memory of the run.</summary>
    public static unsafe bool TryRead(BpfExecution run, ulong address, out BpfDynamicPointer pointer)
    {
        bool isRead = run.TryRead(address, Bytes, out byte* bytes);
        pointer = isRead ? Unsafe.ReadUnaligned<BpfDynamicPointer>(bytes) : default;
        return isRead;
    }

    /// <summary>Writes one to memory of the run.</summary>
    public unsafe bool TryWrite(BpfExecution run, ulong address)
    {
        bool isWritten = run.TryGetMemory(address, Bytes, out Span<byte> memory);
        if (isWritten) Unsafe.WriteUnaligned(ref memory[0], this);
        return isWritten;
    }

    /// <summary>Whether bytes are inside of it.</summary>
    public bool Has(ulong offset, ulong bytes) => bytes <= Length && offset <= Length - bytes;
}
