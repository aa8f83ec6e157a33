using System.Runtime.InteropServices;

namespace Allot;

/// <summary>What a thread remembers of an owner: where it holds bytes of it in advance.</summary>
/// <remarks>It may be out of date: the key of a removed group matches no slot, and every miss looks again.</remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal unsafe struct OwnerEntry
{
    public const int SizeInBytes = 32;

    public long Key;
    public ReserveSlot* Slot;
    public int Id;
}
