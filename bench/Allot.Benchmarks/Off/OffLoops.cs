using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Off;

/// <summary>Loops that differ only in the calls of Allot.</summary>
/// <remarks>The type parameter, a struct, does nothing but have the compiler make a loop of its own for each sort of
/// groups: a program that has accounting switched off has it off everywhere.</remarks>
internal static unsafe class OffLoops
{
    private const int Bytes = 64;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Bare(int count)
    {
        for (int i = 0; i < count; i++) NativeMemory.Free(NativeMemory.Alloc(Bytes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void BareAgain(int count)
    {
        for (int i = 0; i < count; i++) NativeMemory.Free(NativeMemory.Alloc(Bytes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ByCharge<TGroups>(MemoryGroup group, int count)
    {
        for (int i = 0; i < count; i++)
        {
            group.Charge(MemoryKind.Kernel, Bytes);
            NativeMemory.Free(NativeMemory.Alloc(Bytes));
            group.Uncharge(MemoryKind.Kernel, Bytes);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ByTryCharge<TGroups>(MemoryGroup group, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (!group.TryCharge(MemoryKind.Kernel, Bytes, out _)) return;
            NativeMemory.Free(NativeMemory.Alloc(Bytes));
            group.Uncharge(MemoryKind.Kernel, Bytes);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ByHandle<TGroups>(MemoryGroup group, int count)
    {
        GroupHandle handle = group.Handle(MemoryKind.Kernel);
        for (int i = 0; i < count; i++)
        {
            if (!handle.TryCharge(Bytes)) return;
            NativeMemory.Free(NativeMemory.Alloc(Bytes));
            handle.Uncharge(Bytes);
        }
    }
}

internal readonly struct OffGroups;

internal readonly struct CountedGroups;
