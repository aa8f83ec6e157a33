namespace Allot.Bpf;

/// <summary>Programs that tail calls go to.</summary>
public static class BpfTailCalls
{
    /// <summary>Puts a program where a tail call finds it. The array keeps it alive, also after its owner has disposed
    /// it.</summary>
    /// <param name="array">The array.</param>
    /// <param name="index">The index.</param>
    /// <param name="program">The program; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The array is not that long.</exception>
    /// <exception cref="ObjectDisposedException">The program has been disposed.</exception>
    public static void Set(this BpfProgramArray array, int index, BpfProgram? program)
    {
        ArgumentNullException.ThrowIfNull(array);
        array.Put(index, program);
    }
}
