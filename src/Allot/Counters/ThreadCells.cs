// The only memory that the library itself has pinned: what each thread that charges has of its own, found by its
// address (ThreadPlaces). It is charged to nobody. It is of the thread, which charges groups of many trees, and of no
// group; and it is a few KiB for as long as the thread lives, however much anybody pins. An account for it would have
// to be made, and charged, on the way of a first charge.

namespace Allot;

internal static class ThreadCells
{
    /// <summary>The most that one thread has of it: its slots (<see cref="ThreadReserves"/>) and the cell of its
    /// scopes.</summary>
    public const int BytesMax = 4352;

    /// <summary>Zeroed cells that never move. Who allocates them keeps the array.</summary>
    public static T[] Allocate<T>(int count)
        where T : struct => GC.AllocateArray<T>(count, pinned: true);
}
