// A handle of the collector that keeps one object where it is. Without an owner such a handle pins for ever; this one
// has a finalizer, which frees it and tells of it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

/// <summary>Keeps the collector from moving an array or a string, and has a group pay for its bytes for so long.
/// </summary>
/// <remarks>All members may be used from any thread. The memory of the object is charged, or not, where it was
/// allocated; a <c>fixed</c> statement is free: it does not last. A handle that is forgotten is freed when it is
/// collected, which is counted as a leak.</remarks>
public sealed unsafe class PinnedHandle : IDisposable
{
    private readonly BufferPin<PinnedGCHandle<object>>? _pin;   // null when a limit has refused

    private PinnedHandle(MemoryGroup group, object target, long bytes, PinCounting counting)
    {
        _pin = new(group, PinSource.ObjectHandle, (target, bytes), counting);
        try
        {
            _pin.Attach(new PinnedGCHandle<object>(target), AddressOf(target));
        }
        catch
        {
            Dispose();   // there is no room for another handle
            throw;
        }
    }

    /// <summary>Frees what was forgotten.</summary>
    ~PinnedHandle() => _pin?.EndForgotten();

    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _pin!.Group;

    /// <summary>The bytes that are pinned.</summary>
    public long Bytes => _pin!.Bytes;

    /// <summary>Where the first element is.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public nint Address => _pin!.Address;

    /// <summary>Pins an array.</summary>
    /// <param name="group">Who pays: the bytes of the elements.</param>
    /// <param name="array">What stays where it is.</param>
    /// <param name="counting">Whether it counts again if the group has it pinned already.</param>
    /// <typeparam name="T">The elements.</typeparam>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// pinned.</exception>
    public static PinnedHandle Of<T>(MemoryGroup group, T[] array, PinCounting counting = PinCounting.EachTime)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(array);
        return new PinnedHandle(group, array, (long)array.Length * sizeof(T), counting);
    }

    /// <summary>Pins a string.</summary>
    /// <param name="group">Who pays: two bytes for each character.</param>
    /// <param name="text">What stays where it is.</param>
    /// <param name="counting">Whether it counts again if the group has it pinned already.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// pinned.</exception>
    public static PinnedHandle Of(MemoryGroup group, string text, PinCounting counting = PinCounting.EachTime)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new PinnedHandle(group, text, (long)text.Length * sizeof(char), counting);
    }

    /// <summary>Lets the collector move it again. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        _pin!.Dispose();
        GC.SuppressFinalize(this);
    }

    private static nint AddressOf(object pinned)
    {
        ref byte first = ref pinned is string text
            ? ref Unsafe.As<char, byte>(ref MemoryMarshal.GetReference(text.AsSpan()))
            : ref MemoryMarshal.GetArrayDataReference((Array)pinned);
        return (nint)Unsafe.AsPointer(ref first);
    }
}
