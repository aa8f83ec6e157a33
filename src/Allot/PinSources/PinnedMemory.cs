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
    private readonly BufferPin? _pin;
    private readonly nint _address;
    private MemoryHandle _handle;
    private int _disposed;

    /// <summary>Pins.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="memory">What stays where it is.</param>
    /// <param name="counting">Whether it counts again if the group has it pinned already.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// pinned.</exception>
    public PinnedMemory(MemoryGroup group, ReadOnlyMemory<T> memory, PinCounting counting = PinCounting.EachTime)
    {
        (object? buffer, long length) = BufferOf(memory);
        _pin = new BufferPin(group, PinSource.MemoryPin, buffer ?? this, length * sizeof(T), counting);
        Length = memory.Length;
        try
        {
            _handle = memory.Pin();   // may be foreign code
        }
        catch
        {
            Dispose();
            throw;
        }

        _address = (nint)_handle.Pointer;
    }

    /// <summary>Frees what was forgotten.</summary>
    ~PinnedMemory() => LetGo(isForgotten: true);

    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _pin!.Group;

    /// <summary>The bytes that are pinned and charged: at least those of the memory.</summary>
    public long Bytes => _pin!.Bytes;

    /// <summary>The elements of the memory.</summary>
    public int Length { get; }

    /// <summary>Where the first element of the memory is.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            return _address;
        }
    }

    /// <summary>Ends the pin. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        LetGo(isForgotten: false);
        GC.SuppressFinalize(this);
    }

    private void LetGo(bool isForgotten)
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _handle.Dispose();
        if (isForgotten) _pin?.ReportLeak();   // null when a limit has refused
        _pin?.Dispose();
    }

    private static (object? Buffer, long Length) BufferOf(ReadOnlyMemory<T> memory)
    {
        if (MemoryMarshal.TryGetArray(memory, out ArraySegment<T> segment))
        {
            return (segment.Array, segment.Array!.Length);
        }

        if (MemoryMarshal.TryGetMemoryManager(memory, out MemoryManager<T>? manager))
        {
            return (manager, manager.Memory.Length);
        }

        bool isText = typeof(T) == typeof(char);
        if (isText && MemoryMarshal.TryGetString((ReadOnlyMemory<char>)(object)memory, out string? text, out _, out _))
        {
            return (text, text.Length);
        }

        return (null, memory.Length);   // nothing at all
    }
}
