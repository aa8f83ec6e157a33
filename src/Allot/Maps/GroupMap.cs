namespace Allot.Maps;

/// <summary>A map as a program of .NET, a BPF program and its helpers use it. Its memory is charged to one group, recorded before the
/// first allocation, whoever uses the map.</summary>
/// <remarks>Programs get addresses of values, and keep them until they end: memory in which values lie is given back no
/// earlier than by <see cref="Dispose()"/>, or at the end of the last program that uses them.</remarks>
public abstract unsafe class GroupMap : IDisposable
{
    private int _users = 1;   // the owner, and each program
    private int _isDisposed;

    /// <summary>A map of that group.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">What the map holds.</param>
    protected GroupMap(MemoryGroup group, MapDefinition definition)
    {
        Group = group;
        Definition = definition;
    }

    /// <summary>The group that pays for the map.</summary>
    public MemoryGroup Group { get; }

    /// <summary>What the map holds.</summary>
    public MapDefinition Definition { get; }

    /// <summary>The bytes that the group is charged for this map.</summary>
    public abstract long ChargedBytes { get; }

    /// <summary>The number of elements.</summary>
    public abstract long Count { get; }

    /// <summary>Makes a map and charges its group for it.</summary>
    /// <param name="group">Who pays: kernel memory, from the first byte on.</param>
    /// <param name="definition">What the map holds.</param>
    /// <returns>The map; dispose it.</returns>
    /// <exception cref="MapRefusedException">The type does not exist, or cannot have this shape.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public static GroupMap Create(MemoryGroup group, MapDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(definition);
        return definition.Type switch
        {
            MapType.Array => new ArrayMap(group, definition),
            MapType.Hash => new HashMap(group, definition),
            _ => throw MapShape.Refuse(definition, "this type of map is not supported"),
        };
    }

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

    /// <summary>The memory in which all values lie, if that is one piece that never moves; otherwise nothing.</summary>
    internal virtual (ulong Address, long Bytes) Region => default;

    /// <summary>Gives the memory of the map back to its group, once no program uses the map any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            LoseOwner();
            Release();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>One more user, without whom the memory stays.</summary>
    /// <exception cref="ObjectDisposedException">The map has been disposed.</exception>
    internal void AddUser()
    {
        int users = Volatile.Read(ref _users);
        while (true)
        {
            ObjectDisposedException.ThrowIf(users == 0 || Volatile.Read(ref _isDisposed) != 0, this);
            int seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users) return;
            users = seen;
        }
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) Free();
    }

    /// <summary>Lets go of what may use this map in turn: programs would otherwise keep it, and it them, for ever.
    /// </summary>
    private protected virtual void LoseOwner()
    {
    }

    /// <summary>Frees all memory of the map. Nobody uses it any more.</summary>
    protected abstract void Free();
}
