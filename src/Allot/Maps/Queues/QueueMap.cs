// Values in a ring: the oldest, and how many there are after it. A queue takes the oldest, a stack the newest; both
// drop the oldest where a value must find room. All of it under one lock: that is a copy or two.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values without keys: first in, first out, or as a stack last in, first out.</summary>
/// <remarks>All members may be used from any thread. Values are copied in and out; nobody gets an address of
/// one. What adds, takes or copies a value throws <see cref="ObjectDisposedException"/> once the map is disposed and
/// the last program that uses it has ended.</remarks>
public sealed unsafe class QueueMap : GroupMap
{
    private readonly Lock _lock = new();
    private readonly uint _valueBytes;
    private readonly long _capacity;
    private readonly bool _isStack;
    private readonly byte* _values;
    private long _oldest;
    private long _count;
    private bool _isFreed;   // nobody uses it, and the memory is another map's or nobody's

    /// <summary>Makes the queue or stack and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has no bytes; a value, and the queue, at least one.</param>
    /// <exception cref="MapRefusedException">The definition is neither of a queue nor of a stack.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public QueueMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _isStack = definition.Type == MapType.Stack;
        _valueBytes = (uint)definition.ValueBytes;
        _capacity = definition.Capacity;
        _values = Memory.Allocate(definition, BytesOf(definition));
    }

    /// <inheritdoc/>
    public override long Count => Volatile.Read(ref _count);

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        MapFootprint.Fixed(BytesOf(definition));

    internal static MapDefinition DefinitionOf<TValue>(MapType type, long capacity)
        where TValue : unmanaged => new()
        {
            Name = typeof(TValue).Name,
            Type = type,
            ValueBytes = sizeof(TValue),
            Capacity = capacity,
        };

    /// <inheritdoc/>
    public override int Push(byte* value, ulong flags)
    {
        if (flags is not (MapErrors.Any or MapErrors.OnlyExisting)) return MapErrors.Invalid;
        lock (_lock)
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_isFreed, this);
            if (_count == _capacity)
            {
                if (flags == MapErrors.Any) return MapErrors.TooBig;
                DropOldest_NeedsLock();
            }

            Unsafe.CopyBlockUnaligned(At_NeedsLock(_count), value, _valueBytes);
            _count++;
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int Pop(byte* value) => TakeNext(value, removes: true);

    /// <inheritdoc/>
    public override int Peek(byte* value) => TakeNext(value, removes: false);

    /// <summary>A value without a key has no address.</summary>
    /// <param name="key">Anything.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags) => MapErrors.Invalid;

    /// <inheritdoc/>
    public override int Delete(byte* key) => MapErrors.Invalid;

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next) => MapErrors.Invalid;

    /// <summary>Copies the value that so many are in front of, in the order in which they are taken.</summary>
    internal bool TryCopy(long position, byte* value)
    {
        lock (_lock)
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_isFreed, this);
            if (position >= _count) return false;
            Unsafe.CopyBlockUnaligned(value, At_NeedsLock(_isStack ? _count - 1 - position : position), _valueBytes);
            return true;
        }
    }

    private protected override int ReadCore(byte* key, byte* value) => key != null ? MapErrors.Invalid : Peek(value);

    private protected override int WriteCore(byte* key, byte* value, ulong flags) =>
        key != null ? MapErrors.Invalid : Push(value, flags);

    private protected override int TakeCore(byte* key, byte* value) => key != null ? MapErrors.Invalid : Pop(value);

    private protected override void Free()
    {
        lock (_lock) _isFreed = true;
        base.Free();
    }

    private static Int128 BytesOf(MapDefinition definition) => (Int128)definition.Capacity * definition.ValueBytes;

    // Where there is none, the value is zeroed, as in Linux: a program has initialised memory either way.
    private int TakeNext(byte* value, bool removes)
    {
        lock (_lock)
        {
            AssertInvariants();
            ObjectDisposedException.ThrowIf(_isFreed, this);
            if (_count == 0)
            {
                Unsafe.InitBlockUnaligned(value, 0, _valueBytes);
                return MapErrors.NotFound;
            }

            Unsafe.CopyBlockUnaligned(value, At_NeedsLock(_isStack ? _count - 1 : 0), _valueBytes);
            if (!removes) return MapErrors.None;
            if (_isStack) _count--;
            else DropOldest_NeedsLock();
            return MapErrors.None;
        }
    }

    private void DropOldest_NeedsLock()
    {
        _oldest = _oldest + 1 == _capacity ? 0 : _oldest + 1;
        _count--;
    }

    private byte* At_NeedsLock(long position)
    {
        long slot = _oldest + position;
        if (slot >= _capacity) slot -= _capacity;
        return _values + (slot * _valueBytes);
    }

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "The ring changes only under the lock.");
        Debug.Assert(_count >= 0 && _count <= _capacity, "There are at most as many values as there is room for.");
        Debug.Assert(_oldest >= 0 && _oldest < _capacity, "The oldest value is in the ring.");
    }
}
