namespace Allot;

/// <summary>The most bytes in use since this reader was opened or last reset.</summary>
/// <remarks>Like one open handle of the kernel's <c>memory.peak</c> file: resetting it changes nobody else's peak. All
/// members may be used from any thread.</remarks>
public sealed class PeakReader : IDisposable
{
    private readonly MemoryCounter _counter;

    // At every quiet point while listed by _counter: _peak >= its use.
    private long _peak;

    internal PeakReader(MemoryCounter counter) => _counter = counter;

    /// <summary>The most bytes in use since opening or the last <see cref="Reset"/>.</summary>
    /// <remarks>Where threads hold bytes in advance it can be high by some of those, as
    /// <see cref="MemoryCounter.PeakBytes"/> can.</remarks>
    public long PeakBytes
    {
        get
        {
            _counter.NotePeak();   // threads that spend what they hold in advance do not
            return Volatile.Read(ref _peak);
        }
    }

    /// <summary>Starts again from what is in use now.</summary>
    /// <remarks>A charge that succeeds and is given back while this runs may be forgotten.</remarks>
    public void Reset()
    {
        _counter.Reserves?.TakeBack(_counter);   // with what they have seen so far

        // The full fence of Exchange pairs with that of the charge before MemoryCounter.NotePeak: of a racing charge,
        // either its note comes after the exchange, or the second reading finds its bytes.
        Interlocked.Exchange(ref _peak, _counter.CurrentBytes);
        Note(_counter.CurrentBytes);
    }

    /// <summary>Stops the tracking; <see cref="PeakBytes"/> keeps its last value. Safe to call twice.</summary>
    public void Dispose()
    {
        _counter.NotePeak();
        _counter.Remove(this);
    }

    internal void Note(long bytes) => MemoryCounter.Raise(ref _peak, bytes);
}
