// RDMA by libibverbs, which is found at run time: a program that does not use it does not need it.

using System.Runtime.InteropServices;

namespace Allot;

/// <summary>An RDMA device: memory that is registered with it can be read and written by other hosts, as far as the
/// access allows.</summary>
/// <remarks>All members may be used from any thread. A device that is disposed stays open until what is registered
/// with it has ended.</remarks>
public sealed unsafe class RdmaDevice : IMemoryDevice, IDisposable
{
    private const int LocalWrite = 1;

    private readonly Verbs _verbs;
    private readonly nint _context;
    private readonly nint _domain;
    private readonly DeviceUses _uses;
    private int _disposed;

    private RdmaDevice(Verbs verbs, string name, nint context, nint domain)
    {
        (_verbs, Name, _context, _domain) = (verbs, name, context, domain);
        _uses = new DeviceUses(Close);
    }

    /// <summary>Whether libibverbs is there. That says nothing about devices.</summary>
    public static bool IsSupported => Verbs.Find() is not null;

    /// <summary>The names of the devices of this machine; none when libibverbs is not there.</summary>
    public static IReadOnlyList<string> Names => Verbs.Find() is { } verbs ? NamesOf(verbs) : [];

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool CountsInKernel => true;

    /// <summary>Opens a device.</summary>
    /// <param name="name">One of <see cref="Names"/>; null for the first.</param>
    /// <exception cref="PlatformNotSupportedException">libibverbs is not there, there is no such device, or it cannot
    /// be opened.</exception>
    public static RdmaDevice Open(string? name = null) => Open(Verbs.Find() ?? throw new PlatformNotSupportedException(
        $"RDMA needs the library {Verbs.LibraryName} (Debian: libibverbs1), which is not there."), name);

    internal static RdmaDevice Open(Verbs verbs, string? name)
    {
        nint* devices = verbs.GetDevices(out int count);
        try
        {
            for (int i = 0; i < count; i++)
            {
                string deviceName = verbs.NameOf(devices[i]);
                if (name is not null && name != deviceName) continue;
                nint context = verbs.Open(devices[i]);
                nint domain = context == 0 ? 0 : verbs.AllocateDomain(context);
                if (domain != 0) return new RdmaDevice(verbs, deviceName, context, domain);
                if (context != 0) verbs.Close(context);
                throw new PlatformNotSupportedException($"The RDMA device '{deviceName}' cannot be opened.");
            }
        }
        finally
        {
            if (devices != null) verbs.FreeDevices(devices);
        }

        string known = string.Join(", ", NamesOf(verbs).Select(known => $"'{known}'"));
        throw new PlatformNotSupportedException(known.Length == 0
            ? "This machine has no RDMA device."
            : $"This machine has no RDMA device '{name}'; it has {known}.");
    }

    /// <inheritdoc/>
    public nint Register(nint address, long bytes)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0 || !_uses.TryEnter(), this);
        nint region = _verbs.Register(_domain, address, (nuint)bytes, LocalWrite);
        if (region != 0) return region;
        int error = Marshal.GetLastSystemError();
        _uses.Leave();
        throw new MemoryLockException(
            $"The RDMA device '{Name}' did not register {bytes} bytes: {Marshal.GetPInvokeErrorMessage(error)}. "
            + "The process may be at its limit (RLIMIT_MEMLOCK).",
            error);
    }

    /// <inheritdoc/>
    public void Unregister(nint registration)
    {
        int error = _verbs.Unregister(registration);
        if (error != 0)
        {
            throw new MemoryLockException(
                $"The RDMA device '{Name}' did not end a registration: {Marshal.GetPInvokeErrorMessage(error)}.",
                error);
        }

        _uses.Leave();
    }

    /// <summary>Closes it, once nothing is registered with it any more. Safe to call twice and from any thread.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _uses.Leave();
    }

    private void Close()
    {
        _verbs.FreeDomain(_domain);
        _verbs.Close(_context);
    }

    private static List<string> NamesOf(Verbs verbs)
    {
        List<string> names = [];
        nint* devices = verbs.GetDevices(out int count);
        for (int i = 0; i < count; i++) names.Add(verbs.NameOf(devices[i]));
        if (devices != null) verbs.FreeDevices(devices);
        return names;
    }
}
