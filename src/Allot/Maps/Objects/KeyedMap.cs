// Objects of .NET by keys of any bytes: what hashes of handles have in common. One lock protects table and slots; what
// is found gets its user, if it needs one, under it.

namespace Allot.Maps;

/// <summary>A map of objects by keys of any bytes.</summary>
/// <typeparam name="T">What the elements refer to.</typeparam>
public abstract unsafe class KeyedMap<T> : GroupMap
    where T : class
{
    private readonly KeyTable _table;
    private readonly T?[] _slots;

    private protected KeyedMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        if (definition.Capacity >= Array.MaxLength)
        {
            throw MapRules.Refuse(definition, MapErrors.NoMemory, $"{Array.MaxLength} elements are too many");
        }

        _table = new KeyTable(Memory, definition);
        Memory.Hold(definition, SlotBytesOf(definition));
        _slots = new T?[definition.Capacity + 1];
    }

    /// <inheritdoc/>
    public override long Count
    {
        get
        {
            lock (Gate) return _table.Count;
        }
    }

    private protected Lock Gate { get; } = new();

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        MapFootprint table = MapFootprint.Fixed(KeyTable.LinkBytesOf(definition), KeyTable.KeyBytesOf(definition));
        return MapFootprint.Held((Int128)table.CreatedBytes + SlotBytesOf(definition));
    }

    private static Int128 SlotBytesOf(MapDefinition definition) => ((Int128)definition.Capacity + 1) * sizeof(ulong);

    /// <summary>Objects are nobody's memory.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        T? before;
        lock (Gate)
        {
            int number = _table.Remove(key);
            if (number == 0) return MapErrors.NotFound;
            (before, _slots[number]) = (_slots[number], null);
        }

        if (before is not null) LetGo(before);
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        lock (Gate) return _table.TryNext(key, next) ? MapErrors.None : MapErrors.NotFound;
    }

    /// <summary>The object of a key; null if there is none.</summary>
    internal T? Find(byte* key)
    {
        lock (Gate) return Find_NeedsGate(key);
    }

    private protected T? Find_NeedsGate(byte* key)
    {
        int number = _table.Find(key);
        return number == 0 ? null : _slots[number];
    }

    /// <summary>Adds or replaces an object.</summary>
    private protected int Put(byte* key, T with, ulong flags)
    {
        T? before;
        lock (Gate)
        {
            int number = _table.Find(key);
            if (number != 0 && flags == MapErrors.OnlyNew) return MapErrors.Exists;
            if (number == 0 && flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
            if (number == 0) number = _table.Add(key);
            if (number == 0) return MapErrors.TooBig;
            (before, _slots[number]) = (_slots[number], with);
        }

        if (before is not null) LetGo(before);
        return MapErrors.None;
    }

    /// <summary>Removes all: what was there is let go of.</summary>
    private protected void Clear()
    {
        // By number: the way from the first key on would begin anew each time, and a key can be larger than the stack.
        for (int number = 1; number < _slots.Length; number++)
        {
            T? before;
            lock (Gate)
            {
                before = _slots[number];
                if (before is null) continue;
                _table.Remove(_table.KeyOf(number));
                _slots[number] = null;
            }

            LetGo(before);
        }
    }

    /// <summary>Gives up what an element referred to. Not under the gate.</summary>
    private protected virtual void LetGo(T before)
    {
    }

    private protected override void LoseOwner() => Clear();

    private protected override void Free()
    {
        Clear();
        base.Free();
    }
}
