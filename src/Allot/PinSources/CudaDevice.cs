// A GPU by the CUDA driver, which is found at run time: a program that does not use it does not need it. Whether the
// kernel counts what it pins depends on the driver, so the check leaves it out.

using System.Globalization;

namespace Allot;

/// <summary>A GPU of NVIDIA: memory that is registered with it is copied to and from it directly.</summary>
/// <remarks>All members may be used from any thread. A device that is disposed stays open until what is registered
/// with it has ended.</remarks>
public sealed class CudaDevice : IMemoryDevice, IDisposable
{
    private readonly Cuda _cuda;
    private readonly int _device;
    private readonly nint _context;
    private readonly DeviceUses _uses;
    private int _disposed;

    private CudaDevice(Cuda cuda, string name, int device, nint context)
    {
        (_cuda, Name, _device, _context) = (cuda, name, device, context);
        _uses = new DeviceUses(() => _cuda.Close(_device));
    }

    /// <summary>Whether the driver is there. That says nothing about devices.</summary>
    public static bool IsSupported => Cuda.Find() is not null;

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool CountsInKernel => false;

    /// <summary>Opens a device.</summary>
    /// <param name="index">Which one; 0 is the first.</param>
    /// <exception cref="PlatformNotSupportedException">The driver is not there, there is no such device, or it cannot
    /// be opened.</exception>
    public static CudaDevice Open(int index = 0) => Open(Cuda.Find() ?? throw new PlatformNotSupportedException(
        $"A GPU needs the library {Cuda.LibraryName} of its driver, which is not there."), index);

    internal static CudaDevice Open(Cuda cuda, int index)
    {
        int error = cuda.Open(index, out int device, out nint context, out string name);
        if (error == 0) return new CudaDevice(cuda, name, device, context);
        throw new PlatformNotSupportedException(string.Create(
            CultureInfo.InvariantCulture, $"The CUDA driver does not open device {index}: error {error}."));
    }

    /// <inheritdoc/>
    public nint Register(nint address, long bytes)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0 || !_uses.TryEnter(), this);
        int error = _cuda.Register(_context, address, (nuint)bytes);
        if (error == 0) return address;
        _uses.Leave();
        throw new MemoryLockException(string.Create(CultureInfo.InvariantCulture,
            $"The GPU '{Name}' did not register {bytes} bytes at 0x{address:x}: error {error} of its driver."), error);
    }

    /// <inheritdoc/>
    public void Unregister(nint registration)
    {
        int error = _cuda.Unregister(_context, registration);
        if (error != 0)
        {
            throw new MemoryLockException(string.Create(CultureInfo.InvariantCulture,
                $"The GPU '{Name}' did not end the registration at 0x{registration:x}: error {error} of its driver."),
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
}
