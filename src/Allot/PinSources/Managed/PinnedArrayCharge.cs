using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>What an array on the pinned heap costs its group: from before it is allocated until it is collected, or
/// given up.</summary>
/// <remarks>The array keeps this alive, and nothing else does: when it is collected, the finalizer gives
/// back.</remarks>
internal sealed class PinnedArrayCharge : IDisposable
{
    private static readonly ConditionalWeakTable<Array, PinnedArrayCharge> s_charges = [];

    private readonly PinAccount _pins;
    private readonly MemoryCharge _memory;

    public PinnedArrayCharge(MemoryGroup group, PinSource source, long bytes)
    {
        long wholeBytes = PageRange.RoundUp(bytes);
        try
        {
            // Pins first: to find room for memory takes it from caches, which a refused pin should not have cost.
            _pins = new PinAccount(group, OptionsOf(source));
            _pins.Pin(wholeBytes);
            _memory = group.Hold(MemoryKind.User, wholeBytes);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    // An array may be left to the collector; a buffer of a pool is returned to it.
    ~PinnedArrayCharge()
    {
        if (_pins is { Source: PinSource.BufferPool }) PinLeaks.Report(_pins);
        LetGo();
    }

    public MemoryGroup Group => _pins.Group;

    /// <summary>Allocates the array that is charged.</summary>
    public T[] Allocate<T>(int length, bool isZeroed)
    {
        try
        {
            T[] array = isZeroed
                ? GC.AllocateArray<T>(length, pinned: true)
                : GC.AllocateUninitializedArray<T>(length, pinned: true);
            s_charges.Add(array, this);
            return array;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void ReportLeak(long bytes) => PinLeaks.Report(PinReport.Of(_pins) with { Bytes = bytes });

    public void Dispose()
    {
        LetGo();
        GC.SuppressFinalize(this);
    }

    // What only the collector does not move is no business of the process's limit.
    private static PinAccountOptions OptionsOf(PinSource source) => new() { Source = source, LockLimit = null };

    private void LetGo()
    {
        _pins?.Dispose();
        _memory?.Dispose();
    }
}
