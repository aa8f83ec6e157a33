namespace Allot.Bpf;

/// <summary>A map as programs, helpers and the host use it. Its memory is charged to one group, recorded before the
/// first allocation, whoever uses the map.</summary>
/// <remarks>Programs get addresses of values, and keep them until they end: memory in which values lie is given back no
/// earlier than by <see cref="Dispose()"/>.</remarks>
public abstract unsafe class BpfMap : IDisposable
{
    /// <summary>A map of that group.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">What the map holds.</param>
    protected BpfMap(MemoryGroup group, BpfMapDefinition definition)
    {
        Group = group;
        Definition = definition;
    }

    /// <summary>The group that pays for the map.</summary>
    public MemoryGroup Group { get; }

    /// <summary>What the map holds.</summary>
    public BpfMapDefinition Definition { get; }

    /// <summary>The bytes that the group is charged for this map.</summary>
    public abstract long ChargedBytes { get; }

    /// <summary>The number of elements.</summary>
    public abstract long Count { get; }

    /// <summary>The address of the value of a key.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>The address, or null when there is no such element, or the map has no values to point to.</returns>
    public abstract byte* Lookup(byte* key);

    /// <summary>Adds or replaces an element.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="value">The bytes of the value.</param>
    /// <param name="flags">0 for any, 1 for a new element only, 2 for an existing one only.</param>
    /// <returns>0, or the error of Linux as a negative number; then the map is as it was.</returns>
    public abstract int Update(byte* key, byte* value, ulong flags);

    /// <summary>Removes an element.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>0, or the error of Linux as a negative number.</returns>
    public abstract int Delete(byte* key);

    /// <summary>The key after a key, in no order that means anything.</summary>
    /// <param name="key">The key, or null for the first one.</param>
    /// <param name="next">Where the key is written to.</param>
    /// <returns>0, or -2 (ENOENT) after the last.</returns>
    public abstract int NextKey(byte* key, byte* next);

    /// <summary>Whether memory lies in values of this map, so that a program may use it.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="bytes">How many there are, at least 1.</param>
    /// <param name="writes">Whether they are to be written.</param>
    public abstract bool Contains(ulong address, ulong bytes, bool writes);

    /// <summary>Gives the memory of the map back to its group.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory of the map back to its group.</summary>
    /// <param name="disposing">False from a finalizer.</param>
    protected abstract void Dispose(bool disposing);
}
