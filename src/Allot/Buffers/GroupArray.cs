using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>An array in native memory that a group pays for: of any length, and not seen by the collector.</summary>
/// <typeparam name="T">The type of the elements, without references.</typeparam>
/// <remarks>Elements may be read and written from any thread; resizing and disposing is for one thread at a time, and
/// not while another uses the elements. It can be disposed twice. A reference or a span of it is memory as it is: it
/// must not be used after the array was disposed or resized, and it does not keep the array alive.</remarks>
public sealed unsafe class GroupArray<T> : IDisposable
    where T : unmanaged
{
    // _items is null if and only if _buffer is; then _length is 0.
    private readonly GroupBufferOptions _options;
    private GroupBuffer? _buffer;
    private T* _items;
    private long _length;

    /// <summary>Creates an array of zeros, and charges the group for it. Like <c>Charge</c>, it reclaims where a limit
    /// refuses, and may block for that.</summary>
    /// <param name="group">Who pays, also when it is resized.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="kind">The kind of memory that the group pays for.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or takes more than
    /// <see cref="MemoryGroup.MaxChargeBytes"/>; or the kind is unknown.</exception>
    public GroupArray(MemoryGroup group, long length, MemoryKind kind = MemoryKind.User)
        : this(group, length, kind, AllocationFlags.Kernel)
    {
    }

    /// <summary>The same for a call that says itself what may be done to find room. The scopes around it can only
    /// permit less.</summary>
    /// <inheritdoc cref="GroupArray{T}(MemoryGroup, long, MemoryKind)"/>
    /// <param name="group">Who pays, also when it is resized.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="kind">The kind of memory that the group pays for.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; resizing does not remember them.</param>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is
    /// atomic.</exception>
    /// <exception cref="ArgumentException">The request must succeed, and may not reclaim.</exception>
    public GroupArray(MemoryGroup group, long length, MemoryKind kind, AllocationFlags flags)
        : this(group, length, GroupBufferOptions.Of(kind), flags)
    {
    }

    /// <summary>Creates an array of zeros, and charges the group for it. Like <c>Charge</c>, it reclaims where a limit
    /// refuses, and may block for that.</summary>
    /// <param name="group">Who pays, also when it is resized.</param>
    /// <param name="length">The number of elements.</param>
    /// <param name="options">What it pays for, and how the memory is held.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; nothing is charged.</exception>
    /// <exception cref="MemoryLockException">The system did not lock, which the options ask for; nothing is charged.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or takes more than
    /// <see cref="MemoryGroup.MaxChargeBytes"/>; or an option is unknown.</exception>
    public GroupArray(MemoryGroup group, long length, GroupBufferOptions options)
        : this(group, length, options, options?.Flags ?? AllocationFlags.Kernel)
    {
    }

    private GroupArray(MemoryGroup group, long length, GroupBufferOptions options, AllocationFlags flags)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Group = group;
        _options = options;
        _buffer = GroupBuffer.Allocate(group, options, BytesOf(length), flags & ~AllocationFlags.Zero);   // done below
        _items = (T*)_buffer.Pointer;
        _length = length;
        Clear(0, length);
    }

    /// <summary>Who pays.</summary>
    public MemoryGroup Group { get; }

    /// <summary>The number of elements; 0 once disposed.</summary>
    public long Length => _length;

    /// <summary>The bytes that the group pays for; 0 once disposed.</summary>
    public long ChargedBytes => _buffer?.Bytes ?? 0;

    /// <summary>An element.</summary>
    /// <param name="index">0 to one below <see cref="Length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public ref T this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)index >= (ulong)_length) ThrowNoElement(index);
            return ref _items[index];
        }
    }

    /// <summary>All elements.</summary>
    /// <exception cref="InvalidOperationException">There are more than a span can have: take a part.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public Span<T> AsSpan()
    {
        if (_length > int.MaxValue)
        {
            throw new InvalidOperationException($"No span has {_length} elements. Take a part: AsSpan(start, length).");
        }

        return AsSpan(0, (int)_length);
    }

    /// <summary>Some elements.</summary>
    /// <param name="start">The first.</param>
    /// <param name="length">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such elements.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public Span<T> AsSpan(long start, int length)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, _length - length);
        return new Span<T>(_items + start, length);
    }

    /// <summary>Makes the array longer, with zeros, or shorter. Elements keep their places in it, and may move in
    /// memory: to grow can need room for both for a moment.</summary>
    /// <param name="length">The new number of elements.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; the array is as it was.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; the array is as it was.</exception>
    /// <exception cref="MemoryLockException">The system did not lock, which the options ask for; the array is as it
    /// was.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or takes more than
    /// <see cref="MemoryGroup.MaxChargeBytes"/>.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void Resize(long length)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        long bytes = BytesOf(length);
        bool fits = bytes <= _buffer.Bytes, wastesHalf = bytes < _buffer.Bytes / 2;
        if (!fits)
        {
            MoveTo(GroupBuffer.Allocate(Group, _options, bytes), length);
        }
        else if (wastesHalf && GroupBuffer.TryAllocate(Group, _options, bytes) is { } smaller)
        {
            MoveTo(smaller, length);
        }

        long before = _length;
        _length = length;
        if (length > before) Clear(before, length);
    }

    /// <summary>The first element, for <c>fixed</c>; null where there is none.</summary>
    public ref T GetPinnableReference() => ref _length > 0 ? ref _items[0] : ref Unsafe.NullRef<T>();

    /// <summary>Returns all to the group. Safe to call twice, and from two threads at once.</summary>
    public void Dispose()
    {
        GroupBuffer? buffer = Interlocked.Exchange(ref _buffer, null);
        _length = 0;
        _items = null;
        buffer?.Dispose();
    }

    private static long BytesOf(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MemoryGroup.MaxChargeBytes / sizeof(T));
        return length * sizeof(T);
    }

    // What is there only now: a reclaimer that was asked for the room may have resized the array, or disposed it.
    private void MoveTo(GroupBuffer target, long length)
    {
        GroupBuffer? source = _buffer;
        if (source is null) target.Dispose();
        ObjectDisposedException.ThrowIf(source is null, this);
        _length = Math.Min(_length, length);
        NativeCopy(_items, (T*)target.Pointer, _length);
        _buffer = target;
        _items = (T*)target.Pointer;
        source.Dispose();
    }

    private static void NativeCopy(T* from, T* to, long count) =>
        Buffer.MemoryCopy(from, to, count * sizeof(T), count * sizeof(T));

    private void Clear(long from, long to)
    {
        for (long at = from; at < to; at += int.MaxValue)
        {
            new Span<T>(_items + at, (int)Math.Min(to - at, int.MaxValue)).Clear();
        }
    }

    private void ThrowNoElement(long index)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        throw new ArgumentOutOfRangeException(
            nameof(index), index, $"The array has the elements 0 to {_length - 1}.");
    }
}
