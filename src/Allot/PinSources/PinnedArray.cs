// An array that the collector never moves (the pinned heap). It is pinned from its first moment until nobody refers to
// it any more, whatever happens to whoever asked for it: so the charge hangs on the array itself, and ends when that is
// collected, or before that when its owner says that nobody uses it any more.

using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>An array that never moves, charged to a group as memory and as pins, in whole pages.</summary>
/// <remarks>All members may be used from any thread. It needs no handle to be given to the system. Without
/// <see cref="Dispose"/> its bytes return when the array is collected: that is no leak.</remarks>
/// <typeparam name="T">The elements.</typeparam>
public sealed class PinnedArray<T> : IDisposable
    where T : unmanaged
{
    private readonly PinnedArrayCharge _charge;
    private T[]? _array;

    /// <summary>Allocates.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="length">How many elements; 0 or more.</param>
    /// <param name="isZeroed">Whether it reads zero at first. Default: true.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// allocated.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory; nothing is charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    public PinnedArray(MemoryGroup group, int length, bool isZeroed = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _charge = new PinnedArrayCharge(group, PinSource.ManagedArray, (long)length * Unsafe.SizeOf<T>());
        _array = _charge.Allocate<T>(length, isZeroed);
        Length = length;
    }

    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _charge.Group;

    /// <summary>How many elements it has.</summary>
    public int Length { get; }

    /// <summary>The array itself. Who keeps it keeps it pinned, and, without <see cref="Dispose"/>, charged.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public T[] Array => _array ?? throw new ObjectDisposedException(nameof(PinnedArray<>));

    /// <summary>All of it.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public Span<T> Span => Array;

    /// <summary>All of it, as memory that is known to be pinned: <c>Pin</c> of it is free. A
    /// <see cref="PinnedMemory{T}"/> of it is a pin of its own, which is charged again.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public Memory<T> Memory => System.Runtime.InteropServices.MemoryMarshal.CreateFromPinnedArray(Array, 0, Length);

    /// <summary>Gives the bytes back: nobody uses the array any more. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        _array = null;
        _charge.Dispose();
    }
}
