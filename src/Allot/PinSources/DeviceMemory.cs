namespace Allot;

/// <summary>Memory that is registered with a device, so pinned; a group pays for the pages that it touches.</summary>
/// <remarks>All members may be used from any thread. The memory has to stay where it is until this is disposed: take a
/// <see cref="PinnedArray{T}"/>, a <see cref="LockedMemory"/>, or native memory. What is forgotten is unregistered when
/// it is collected, which is counted as a leak.</remarks>
public sealed class DeviceMemory : IDisposable
{
    private static readonly PinAccountOptions s_account = new() { Kind = PinKind.Pinned, Source = PinSource.Device };

    private readonly IMemoryDevice _device;

    // As the device has said before it registered: what is added to a figure is taken off it.
    private readonly string _deviceName;
    private readonly bool _countsInKernel;
    private readonly PinAccount _account;
    private readonly nint _registration;
    private readonly SteadyLock _gate = new();
    private volatile bool _disposed;

    /// <summary>Registers memory.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="device">With whom.</param>
    /// <param name="address">Where it begins.</param>
    /// <param name="bytes">How much; 1 or more.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// registered.</exception>
    /// <exception cref="MemoryLockException">The device or the system refused; nothing is registered.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is not positive, or ends beyond the address
    /// space.</exception>
    public DeviceMemory(MemoryGroup group, IMemoryDevice device, nint address, long bytes)
    {
        _disposed = true;   // until it is registered
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        PinnedBytes = PageRange.Of(address, bytes).Bytes;
        (_device, _deviceName, _countsInKernel) = (device, device.Name, device.CountsInKernel);
        _account = new PinAccount(group, s_account);
        _account.Pin(PinnedBytes);
        try
        {
            _registration = device.Register(address, bytes);
        }
        catch
        {
            _account.Dispose();
            throw;
        }

        if (_countsInKernel) KernelPinned.OfProcess.Add(PinnedBytes);
        _disposed = false;
    }

    /// <summary>Unregisters what was forgotten.</summary>
    ~DeviceMemory()
    {
        if (_disposed) return;
        PinLeaks.Report(_account);
        try
        {
            LetGo();
        }
        catch (Exception thrown)
        {
            TraceReport.Error($"'{_deviceName}' did not end a forgotten registration, which stays charged: "
                + TraceReport.Describe(thrown));
        }
    }


    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _account.Group;

    /// <summary>The bytes that are pinned: whole pages.</summary>
    public long PinnedBytes { get; }

    /// <summary>What the device knows it by.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public nint Registration
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _registration;
        }
    }

    /// <summary>Ends the registration. Safe to call twice and from any thread. Where the device throws, it stays
    /// registered and charged, and can be disposed again.</summary>
    public void Dispose()
    {
        LetGo();
        GC.SuppressFinalize(this);
    }

    private void LetGo()
    {
        using (_gate.EnterScope())
        {
            if (_disposed) return;
            _device.Unregister(_registration);   // may be foreign code
            _disposed = true;
        }

        if (_countsInKernel) KernelPinned.OfProcess.Add(-PinnedBytes);
        _account.Dispose();
    }
}
