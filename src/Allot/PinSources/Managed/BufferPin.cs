namespace Allot;

/// <summary>The charge for one pin of one managed buffer.</summary>
internal sealed class BufferPin : IDisposable
{
    private readonly PinCounting _counting;
    private readonly PinAccount _account;
    private readonly MemoryGroup _group;
    private readonly object _buffer;

    /// <summary>Charges.</summary>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed.</exception>
    public BufferPin(MemoryGroup group, PinSource source, object buffer, long bytes, PinCounting counting)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (counting is not (PinCounting.EachTime or PinCounting.OncePerGroup))
        {
            throw new ArgumentOutOfRangeException(nameof(counting), counting, "It counts each time or once per group.");
        }

        // What only the collector does not move is no business of the process's limit.
        var options = new PinAccountOptions { Source = source, LockLimit = null };
        (_counting, _group, _buffer, Bytes) = (counting, group, buffer, bytes);
        if (counting == PinCounting.OncePerGroup)
        {
            _account = UniquePins.Pin(group, buffer, bytes, options);
            return;
        }

        _account = new PinAccount(group, options);
        _account.Pin(bytes);
    }

    public MemoryGroup Group => _group;

    public long Bytes { get; }

    /// <summary>Tells that its owner was collected.</summary>
    public void ReportLeak() => PinLeaks.Report(_account);

    /// <summary>Gives back. Called once.</summary>
    public void Dispose()
    {
        if (_counting == PinCounting.OncePerGroup) UniquePins.Unpin(_group, _buffer);
        else _account.Dispose();
    }
}
