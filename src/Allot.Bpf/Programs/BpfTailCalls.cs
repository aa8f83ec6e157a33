using Allot.Maps;

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

    /// <summary>Puts programs into the arrays of programs that an object says they are in.</summary>
    /// <param name="read">The object.</param>
    /// <param name="maps">What <see cref="BpfObject.CreateMaps"/> has made.</param>
    /// <param name="load">Loads a program, or finds it; called for each place. Null leaves the place empty.</param>
    /// <exception cref="BpfRefusedException">An array has no such place.</exception>
    public static void FillProgramArrays(
        this BpfObject read, IReadOnlyList<GroupMap> maps, Func<BpfObjectProgram, BpfProgram?> load)
    {
        ArgumentNullException.ThrowIfNull(read);
        ArgumentNullException.ThrowIfNull(maps);
        ArgumentNullException.ThrowIfNull(load);
        foreach (BpfSlot slot in read.Slots)
        {
            if (read.ProgramIn(slot) is not { } program) continue;
            if (maps[slot.Map] is not BpfProgramArray array || slot.Index >= array.Definition.Capacity)
            {
                throw BpfObject.NoPlace(maps[slot.Map], slot);
            }

            array.Set(slot.Index, load(program));
        }
    }
}
