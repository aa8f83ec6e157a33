// The 16 bytes that say what is in a chunk: a tag for each slot, the overflow, the sequence. Only who holds the lock of
// the chunk writes them; everybody reads them.
//
// Where 16 aligned bytes are read and written as one (on x86 whatever has AVX: its makers promise that), each change is
// one such write. That is not for the sake of readers: a processor can hand a write that still waits for its line of
// cache to a read of the same bytes, but not parts of it from several smaller writes. Who removes an element and adds
// one would wait for the memory of everything that was written before.
//
// Elsewhere the order of small accesses says the same: readers take the sequence before the tags; writers change the
// tag before the sequence, when they remove. So tags are never older than the sequence that a reader has.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Allot.Maps;

internal static unsafe class ChunkHeader
{
    public const int Slots = 11, Bytes = 16;

    private const int OverflowAt = 11, SequenceAt = 12;
    private const uint SlotMask = (1 << Slots) - 1;
    private const byte Sticky = byte.MaxValue;   // overflow that is no longer counted

    /// <summary>Whether 16 aligned bytes are read and written as one.</summary>
    public static bool IsWhole
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx.IsSupported;
    }

    /// <summary>All that is in it, at one instant; or a sequence, and what came after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Read(byte* header)
    {
        if (IsWhole)
        {
            Vector128<byte> whole = Vector128.LoadAligned(header);
            Volatile.ReadBarrier();
            return whole;
        }

        uint sequence = SequenceOf(header);
        Volatile.ReadBarrier();
        Vector128<byte> rest = Vector128.Load(header);
        Volatile.ReadBarrier();
        return rest.AsUInt32().WithElement(SequenceAt / sizeof(uint), sequence).AsByte();
    }

    /// <summary>The same for who may write it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ReadOwn(byte* header) => Vector128.LoadAligned(header);

    /// <summary>Whether nothing has been removed or replaced since it was read. It can be said too rarely.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUnchanged(byte* header, Vector128<byte> seen)
    {
        Volatile.ReadBarrier();
        return IsWhole
            ? Vector128.EqualsAll(Vector128.LoadAligned(header), seen)
            : SequenceOf(header) == seen.AsUInt32().GetElement(SequenceAt / sizeof(uint));
    }

    public static uint SequenceOf(byte* header) => Volatile.Read(ref *(uint*)(header + SequenceAt));

    /// <summary>The slots with a tag, as bits; above those of slots, bits without meaning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Hits(Vector128<byte> seen, Vector128<byte> tags) =>
        Vector128.Equals(seen, tags).ExtractMostSignificantBits();

    /// <summary>Whether any of these bits is of a slot. Then the lowest is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnySlot(uint hits) => (hits & SlotMask) != 0;

    /// <summary>Whether a value is just being replaced.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsReplacing(Vector128<byte> seen) =>
        (seen.AsUInt32() & Vector128.Create(0, 0, 0, 1u)) != Vector128<uint>.Zero;

    /// <summary>Whether elements lie in later chunks because there was no room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasOverflow(Vector128<byte> seen) =>
        (seen & s_overflow) != Vector128<byte>.Zero;

    public static int OverflowOf(byte* header) => header[OverflowAt];

    /// <summary>Whether so much has overflowed at some time that it is no longer counted.</summary>
    public static bool IsOverflowSticky(byte* header) => header[OverflowAt] == Sticky;

    /// <summary>Counts what lies in later chunks.</summary>
    /// <param name="header">Of a chunk that was full.</param>
    /// <param name="change">1 or -1.</param>
    public static void AddOverflow(byte* header, int change)
    {
        byte overflow = header[OverflowAt];
        if (overflow == Sticky) return;
        overflow = (byte)(overflow + change);
        if (IsWhole) Write(header, ReadOwn(header).WithElement(OverflowAt, overflow));
        else Volatile.Write(ref header[OverflowAt], overflow);
    }

    /// <summary>Shows an element whose key and value are written.</summary>
    /// <param name="header">Of its chunk.</param>
    /// <param name="now">What is in it.</param>
    /// <param name="slot">Which of its slots.</param>
    /// <param name="tags">Its tag, in each byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Show(byte* header, Vector128<byte> now, uint slot, Vector128<byte> tags)
    {
        if (IsWhole) Write(header, Vector128.ConditionalSelect(MaskOf(slot), tags, now));
        else Volatile.Write(ref header[slot], tags.ToScalar());
    }

    /// <summary>Hides an element. Afterwards its slot may be written to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Hide(byte* header, Vector128<byte> now, uint slot)
    {
        if (IsWhole)
        {
            Write(header, Vector128.ConditionalSelect(MaskOf(slot), Vector128<byte>.Zero, WithSequence(now, 2)));
        }
        else
        {
            Volatile.Write(ref header[slot], 0);
            Volatile.Write(ref *(uint*)(header + SequenceAt), SequenceOf(header) + 2);
        }

        Volatile.WriteBarrier();
    }

    /// <summary>Says that a value is being replaced, before it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeginReplacing(byte* header, Vector128<byte> now)
    {
        if (IsWhole) Write(header, WithSequence(now, 1));
        else Volatile.Write(ref *(uint*)(header + SequenceAt), SequenceOf(header) + 1);
        Volatile.WriteBarrier();
    }

    /// <summary>Says that it has been.</summary>
    /// <param name="header">Of its chunk.</param>
    /// <param name="now">What was in it before.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EndReplacing(byte* header, Vector128<byte> now)
    {
        if (IsWhole) Write(header, WithSequence(now, 2));
        else Volatile.Write(ref *(uint*)(header + SequenceAt), SequenceOf(header) + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(byte* header, Vector128<byte> whole)
    {
        Volatile.WriteBarrier();
        whole.StoreAligned(header);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> WithSequence(Vector128<byte> now, uint more) =>
        (now.AsUInt32() + Vector128.Create(0, 0, 0, more)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> MaskOf(uint slot) =>
        Vector128.Equals(Vector128<byte>.Indices, Vector128.Create((byte)slot));

    private static readonly Vector128<byte> s_overflow = Vector128<byte>.Zero.WithElement(OverflowAt, byte.MaxValue);
}
