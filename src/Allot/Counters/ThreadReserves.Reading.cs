// What all threads hold in advance, for those who read numbers: without the lock.

using System.Numerics;

namespace Allot;

internal sealed unsafe partial class ThreadReserves
{
    /// <summary>Bytes held in advance that stand on this level.</summary>
    public static long ReservedBytes(MemoryCounter level) => Sum(level, &BalanceOf);

    /// <summary>The part of <see cref="ReservedBytes"/> that was never used since peaks were last noted.</summary>
    public static long NeverUsedBytes(MemoryCounter level) => Sum(level, &LowestOf);

    private static long BalanceOf(ReserveSlot* slot) => Volatile.Read(ref slot->Balance);

    private static long LowestOf(ReserveSlot* slot) =>
        Math.Min(Volatile.Read(ref slot->Lowest), Volatile.Read(ref slot->Balance));

    private static long Sum(MemoryCounter level, delegate*<ReserveSlot*, long> amount)
    {
        long sum = 0;
        foreach (ThreadReserves one in ReserveRegistry.All)
        {
            for (ulong used = Volatile.Read(ref one._used); used != 0; used &= used - 1)
            {
                int index = BitOperations.TrailingZeroCount(used);
                if (Volatile.Read(ref one._counters[index]) is not { } counter || !counter.IsChargedOn(level)) continue;
                sum += amount(one._slots + index);
            }

            GC.KeepAlive(one);   // the registry may have forgotten it meanwhile, and the slots are its
        }

        return sum;
    }
}
