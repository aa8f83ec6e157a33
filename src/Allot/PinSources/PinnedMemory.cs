using System.Buffers;
using System.Runtime.InteropServices;

namespace Allot;

/// <summary>What <c>Memory&lt;T&gt;.Pin</c> gives, with a group that pays for so long: of an array all of it, because
/// all of it stays.</summary>
/// <remarks>All members may be used from any thread. A pin that is forgotten is freed when it is collected, which is
/// counted as a leak.</remarks>
/// <typeparam name="T">The elements.</typeparam>
public sealed unsafe class PinnedMemory<T> : IDisposable
    where T : unmanaged
{
    // What pins nothing at all has no buffer.
    private static readonly object s_nothing = new();

    private readonly BufferPin<MemoryHandle>? _pin;   // null when a limit has refused

    /// <summary>Pins.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="memory">What stays where it is.</param>
    /// <param name="counting">Whether it counts again if the group has it pinned already.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// pinned.</exception>
    public PinnedMemory(MemoryGroup group, ReadOnlyMemory<T> memory, PinCounting counting = PinCounting.EachTime)
    {
        (object? buffer, long length) = BufferOf(memory);
        _pin = new(group, PinSource.MemoryPin, (buffer ?? s_nothing, length * sizeof(T)), counting);
        Length = memory.Length;
        try
        {
            MemoryHandle handle = memory.Pin();   // may be foreign code
            _pin.Attach(handle, (nint)handle.Pointer);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Frees what was forgotten.</summary>
    ~PinnedMemory()
    {
        try
        {
            _pin?.EndForgotten();
        }
        catch (Exception thrown)
        {
            TraceReport.Error($"what had forgotten memory pinned threw, which was contained: "
                + TraceReport.Describe(thrown));
        }
    }


    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _pin!.Group;

    /// <summary>The bytes that are pinned and charged: at least those of the memory.</summary>
    public long Bytes => _pin!.Bytes;

    /// <summary>The elements of the memory.</summary>
    public int Length { get; }

    /// <summary>Where the first element of the memory is.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public nint Address => _pin!.Address;

    /// <summary>Ends the pin. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _pin!.Dispose();
    }

    private static (object? Buffer, long Length) BufferOf(ReadOnlyMemory<T> memory)
    {
        if (MemoryMarshal.TryGetArray(memory, out ArraySegment<T> segment))
        {
            return (segment.Array, segment.Array!.Length);
        }

        if (MemoryMarshal.TryGetMemoryManager(memory, out MemoryManager<T>? manager))
        {
            object buffer = (object)manager is NativeBytes native ? native.Owner : manager;
            return (buffer, manager.Memory.Length);
        }

        bool isText = typeof(T) == typeof(char);
        if (isText && MemoryMarshal.TryGetString((ReadOnlyMemory<char>)(object)memory, out string? text, out _, out _))
        {
            return (text, text.Length);
        }

        return (null, memory.Length);   // nothing at all
    }
}
