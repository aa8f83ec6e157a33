using System.Runtime.InteropServices;

namespace Allot;

/// <summary>The free blocks of one class that a thread keeps: those at hand, and one full batch or none.</summary>
/// <remarks><code>0 &lt;= Count &lt;= Batch, Count blocks from Head; Spare is null, or Batch blocks</code>
/// Two lists, so that a thread that goes to and fro around the edge of one visits the class only every batch (J.
/// Bonwick, Magazines and Vmem, 2001). Only the owner of the heap touches it, or who has inherited it.</remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal unsafe struct SlabBin
{
    public const int SizeLog2 = 5;
    public const int SizeInBytes = 1 << SizeLog2;

    public byte* Head;
    public byte* Spare;
    public int Count;
    public int Batch;
    public long BlockBytes;

    public readonly int Blocks => Count + (Spare == null ? 0 : Batch);
}
