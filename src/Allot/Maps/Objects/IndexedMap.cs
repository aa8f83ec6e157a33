// Objects of .NET by index: what maps of handles have in common. A slot is a reference, which the group is charged for;
// what it refers to pays for itself, or says what it takes.
//
// One lock protects the slots. Find is called by programs and takes none: a slot is one word.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A map of objects by index.</summary>
/// <typeparam name="T">What the slots refer to.</typeparam>
public abstract unsafe class IndexedMap<T> : GroupMap
    where T : class
{
    private readonly T?[] _slots;
    private int _count;

    private protected IndexedMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        if (definition.Capacity > Array.MaxLength)
        {
            throw MapRules.Refuse(definition, MapErrors.NoMemory, $"{Array.MaxLength} slots are the most there can be");
        }

        Memory.Hold(definition, BytesOf(definition));
        _slots = new T?[definition.Capacity];
    }

    /// <inheritdoc/>
    public override long Count => Volatile.Read(ref _count);

    private protected Lock Gate { get; } = new();

    internal static Int128 BytesOf(MapDefinition definition) => (Int128)definition.Capacity * sizeof(ulong);

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        MapFootprint.Held(BytesOf(definition));

    /// <summary>The object at an index; null if there is none.</summary>
    internal T? Find(uint index) => index < (uint)_slots.Length ? Volatile.Read(ref _slots[index]) : null;

    /// <summary>Objects are nobody's memory.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next) => NextIndex(key, next);

    private protected static uint IndexOf(byte* key) => Unsafe.ReadUnaligned<uint>(key);

    private protected static uint NumberOf(byte* value) => Unsafe.ReadUnaligned<uint>(value);

    private protected bool IsIndex(uint index) => index < (uint)_slots.Length;

    /// <summary>Replaces the object at an index. Under the gate.</summary>
    /// <returns>What was there.</returns>
    private protected T? Replace_NeedsGate(uint index, T? with)
    {
        T? before = _slots[index];
        Volatile.Write(ref _slots[index], with);
        _count += (with is null ? 0 : 1) - (before is null ? 0 : 1);
        return before;
    }

    /// <summary>Empties all slots: what was there is let go of.</summary>
    private protected void Clear()
    {
        for (uint index = 0; index < (uint)_slots.Length; index++)
        {
            T? before;
            lock (Gate) before = Replace_NeedsGate(index, null);
            if (before is not null) LetGo(before);
        }
    }

    /// <summary>Gives up what a slot referred to. Not under the gate.</summary>
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
