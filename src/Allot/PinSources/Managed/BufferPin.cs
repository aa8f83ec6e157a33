// One pin of one managed buffer: what keeps it where it is, and the charge for it. Its owner has a finalizer; both end
// once, by whoever comes first.

namespace Allot;

/// <summary>A pin of a managed buffer, charged to a group.</summary>
/// <typeparam name="THandle">What keeps the buffer from moving.</typeparam>
internal sealed class BufferPin<THandle> : IDisposable
    where THandle : struct, IDisposable
{
    private readonly PinCounting _counting;
    private readonly PinAccount _account;
    private readonly object _buffer;
    private THandle _handle;
    private nint _address;
    private int _hasEnded;

    /// <summary>Charges.</summary>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed.</exception>
    public BufferPin(MemoryGroup group, PinSource source, (object Object, long Bytes) buffer, PinCounting counting)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (counting is not (PinCounting.EachTime or PinCounting.OncePerGroup))
        {
            throw new ArgumentOutOfRangeException(nameof(counting), counting, "It counts each time or once per group.");
        }

        // What only the collector does not move is no business of the process's limit.
        var options = new PinAccountOptions { Source = source, LockLimit = null };
        (_counting, Group, _buffer, Bytes) = (counting, group, buffer.Object, buffer.Bytes);
        if (counting == PinCounting.OncePerGroup)
        {
            _account = UniquePins.Pin(group, _buffer, Bytes, options);
            return;
        }

        _account = new PinAccount(group, options);
        _account.Pin(Bytes);
    }

    public MemoryGroup Group { get; }

    public long Bytes { get; }

    /// <summary>Where it is.</summary>
    /// <exception cref="ObjectDisposedException">The pin has ended.</exception>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _hasEnded) != 0, "a pinned buffer");
            return _address;
        }
    }

    /// <summary>Takes over what keeps it there. Called once, by who has made it, before anybody else can end
    /// it.</summary>
    public void Attach(THandle handle, nint address) => (_handle, _address) = (handle, address);

    /// <summary>Lets it move again and gives back. Safe to call twice and from any thread.</summary>
    public void Dispose() => End(isForgotten: false);

    /// <summary>The same for an owner that was collected.</summary>
    public void EndForgotten() => End(isForgotten: true);

    private void End(bool isForgotten)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0) return;
        try
        {
            _handle.Dispose();   // may be foreign code
        }
        finally
        {
            PinReport? leak = isForgotten ? PinReport.Of(_account) : null;
            bool isLast = LetGo();
            if (leak is not null) PinLeaks.Report(leak, isStillHeld: !isLast);
        }
    }

    private bool LetGo()
    {
        if (_counting == PinCounting.OncePerGroup) return UniquePins.Unpin(Group, _buffer);
        _account.Dispose();
        return true;
    }
}
