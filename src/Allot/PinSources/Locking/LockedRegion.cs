// Memory of one holder, locked from its first moment to its last. Order of creation: is there room for the pins, memory
// charge, address space, pin charge and lock; each failure undoes what came before. It is given back in one step,
// munmap, which unlocks it: there is no moment at which it is memory and not locked.

namespace Allot;

internal static class LockedRegion
{
    /// <summary>Charges, maps and locks.</summary>
    public static (MemoryCharge Memory, PageRange Range) Create(LockHolder holder, long bytes, MemoryLockMode mode)
    {
        bool onFault = IsOnFault(mode);

        // Asked first: to find room for memory takes it from caches, which a refused lock should not have cost.
        holder.Account.Pin(bytes);
        holder.Account.Unpin(bytes);
        MemoryCharge memory = holder.Account.Group.Hold(MemoryKind.User, bytes);
        try
        {
            PageRange range = NativeRegion.Map(bytes);
            try
            {
                if (LockedPages.OfProcess.TryLock(holder, range, onFault, out ChargeRefusal refusal))
                {
                    return (memory, range);
                }

                throw new MemoryLimitExceededException(refusal);
            }
            catch
            {
                NativeRegion.Unmap(range);
                throw;
            }
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The mode is unknown.</exception>
    public static bool IsOnFault(MemoryLockMode mode) => mode switch
    {
        MemoryLockMode.Now => false,
        MemoryLockMode.OnFault => true,
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "The mode is Now or OnFault."),
    };

    /// <summary>Gives all of it back.</summary>
    public static void Release(LockHolder holder, MemoryCharge memory, PageRange range)
    {
        LockedPages.OfProcess.Unmap(holder, range, NativeRegion.Unmap);
        holder.Account.Dispose();
        memory.Dispose();
    }
}
