// Where values of owners are allocated. Finalizers free here, at any time, also after the map: the gate and _isEnded
// see to it that a block is freed once, by its value or with the whole memory.

namespace Allot.Maps;

internal sealed unsafe class OwnedValues(MapMemory memory, long valueBytes)
{
    private readonly SteadyLock _gate = new();
    private bool _isEnded;
    private long _count;

    /// <summary>The values that there are, those included that are deleted and still used.</summary>
    public long Count => Interlocked.Read(ref _count);

    public static long ChargeOf(long valueBytes) => MapMemory.ChargeOf((long)MemlockFormulas.Round8(valueBytes));

    /// <summary>A value of zeros; null when a limit refused it.</summary>
    public StorageValue? TryMake()
    {
        using (ReportingScope.Enter(_gate))
        {
            if (_isEnded) return null;
            byte* bytes = memory.TryAllocate((long)MemlockFormulas.Round8(valueBytes));
            if (bytes == null) return null;
            Interlocked.Increment(ref _count);
            return new StorageValue(this, bytes);
        }
    }

    public void Free(byte* bytes)
    {
        using (ReportingScope.Enter(_gate))
        {
            if (_isEnded) return;
            memory.Free(bytes);
            Interlocked.Decrement(ref _count);
        }
    }

    /// <summary>Frees everything, whoever still uses it.</summary>
    public void End()
    {
        using (ReportingScope.Enter(_gate))
        {
            _isEnded = true;
            memory.Dispose();
        }
    }
}
