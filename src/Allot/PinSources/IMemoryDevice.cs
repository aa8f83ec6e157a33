namespace Allot;

/// <summary>A device that can use the memory of the process, once that is registered with it: the system pins it for so
/// long.</summary>
/// <remarks>Implement it for a device that Allot does not know. It charges nobody: <see cref="DeviceMemory"/> does, and
/// is who should call it. Called from any thread.</remarks>
public interface IMemoryDevice
{
    /// <summary>Its name, for messages.</summary>
    string Name { get; }

    /// <summary>Whether the kernel shows what it pins in VmPin of the process.</summary>
    bool CountsInKernel { get; }

    /// <summary>Registers memory.</summary>
    /// <param name="address">Where it begins.</param>
    /// <param name="bytes">How much.</param>
    /// <returns>What the device knows the registration by.</returns>
    /// <exception cref="MemoryLockException">The device or the system refused; nothing is registered.</exception>
    nint Register(nint address, long bytes);

    /// <summary>Ends a registration.</summary>
    /// <param name="registration">What <see cref="Register"/> has returned.</param>
    /// <exception cref="MemoryLockException">The device did not; it stays registered.</exception>
    void Unregister(nint registration);
}
