using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Maps;

/// <summary>What the writers of a run of chunks share: a lock, and what it protects. Two lines of cache, so that no two
/// stripes disturb each other.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal unsafe struct HashStripe
{
    [FieldOffset(0)]
    private int _lock;

    /// <summary>Elements that may be added here without asking anybody.</summary>
    [FieldOffset(4)]
    public int Permits;

    /// <summary>Elements of memory for the next ones: how many, and the first. Each begins with the next.</summary>
    [FieldOffset(8)]
    public int SpareCount;
    [FieldOffset(16)]
    public byte* Spare;

    [FieldOffset(64)]
    private fixed byte _noTags[ChunkHeader.Bytes];

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
