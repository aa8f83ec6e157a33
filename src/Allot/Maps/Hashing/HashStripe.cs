using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Maps;

/// <summary>What the writers of a run of chunks share: a lock, and what it protects. Two lines of cache, so that no two
/// stripes disturb each other.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal unsafe struct HashStripe
{
    private int _lock;

    /// <summary>Elements whose slot is here.</summary>
    public int Count;

    /// <summary>Elements that may be added here without asking anybody.</summary>
    public int Permits;

    /// <summary>Elements of memory for the next ones: how many, and the first. Each begins with the next.</summary>
    public int SpareCount;
    public byte* Spare;

    private fixed byte _noTags[ChunkHeader.Bytes];   // aligned

    /// <summary>The header of a chunk in which nothing ever is.</summary>
    public byte* NoTags => (byte*)Unsafe.AsPointer(ref _noTags[0]);

    public readonly bool IsHeld => _lock != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _lock, 1, 0) != 0) EnterAfterWait();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => Volatile.Write(ref _lock, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterAfterWait()
    {
        SteadySpin spin = default;
        do
        {
            spin.Once();
        }
        while (Volatile.Read(ref _lock) != 0 || Interlocked.CompareExchange(ref _lock, 1, 0) != 0);
    }
}
