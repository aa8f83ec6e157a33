// What all maps have in common: who pays, who uses them, what each caller may do.
//
// There are two callers. A BPF program uses Lookup, Update, Delete, Push, Pop and Peek, with its own verified bounds.
// The host uses Read, Write, Remove, Take and the batches of GroupMap.Batches.cs, which are Linux's system calls: they
// copy, see the values of all processors, and respect Freeze and the flags of access. A program of .NET may use either.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A map as a program of .NET, a BPF program and its helpers use it. Its memory is charged to one group,
/// recorded before the first allocation, whoever uses the map.</summary>
/// <remarks>All members may be used from any thread. Programs get addresses of values, and keep them until they end:
/// memory in which values lie is given back no earlier than by <see cref="Dispose()"/>, or at the end of the last
/// program that uses them.
/// <para>After <see cref="Dispose()"/>, programs that were loaded with the map use it on; nobody else may. Rings and
/// local storages then throw <see cref="ObjectDisposedException"/>; queues and stacks do once the last program has
/// ended too, and so does <see cref="TransferTo"/>. The other maps do not look, because their lookups and updates take
/// a few nanoseconds: one that comes too late reads or writes memory that may be somebody else's by then. The group of
/// the map, its definition and what it is charged may be read at any time.</para></remarks>
public abstract unsafe partial class GroupMap : IDisposable
{
    private int _users = 1;   // the owner, and each program
    private int _isDisposed;
    private int _isFrozen;

    /// <summary>A map of that group. Nothing is charged yet.</summary>
    /// <exception cref="MapRefusedException">The type does not exist, or cannot have this shape.</exception>
    private protected GroupMap(MemoryGroup group, MapDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(definition);
        MapRules.Check(definition, KernelProfile.Default);
        Definition = definition;
        Memory = new MapMemory(group);
    }

    /// <summary>The group that pays for the map; when it was removed, its closest ancestor that is left pays.</summary>
    public MemoryGroup Group => Memory.Group;

    /// <summary>What the map holds.</summary>
    public MapDefinition Definition { get; }

    /// <summary>The bytes that the group is charged for this map, exactly.</summary>
    public long ChargedBytes => Memory.ChargedBytes;

    /// <summary>What Linux 6.18 shows as <c>memlock</c> of a map like this, with as many elements.</summary>
    public long KernelMemlockBytes => MemlockBytesOf(KernelProfile.Default);

    /// <summary>The most that the group can ever be charged for this map.</summary>
    public long MaxBytes => MapKinds.Of(Definition).Footprint(Definition, ProcessorCount).MostBytes;

    /// <summary>Who refused memory to an update last, and why; the default value when nobody did.</summary>
    public ChargeRefusal LastRefusal => Memory.LastRefusal;

    /// <summary>The number of elements.</summary>
    public abstract long Count { get; }

    /// <summary>The size of a value as <see cref="Read"/> and <see cref="Write"/> copy it: where each processor has its
    /// own, all of them, each rounded up to 8 bytes.</summary>
    public virtual long HostValueBytes => Definition.ValueBytes;

    /// <summary>Whether the host has given up writing.</summary>
    public bool IsFrozen => Volatile.Read(ref _isFrozen) != 0;

    /// <summary>The memory of the map. All that the map allocates comes from here.</summary>
    internal MapMemory Memory { get; }

    /// <summary>The values of an element of which each processor has its own.</summary>
    internal static int ProcessorCount => KernelProfile.Default.Processors;

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
        MapRules.Check(definition, KernelProfile.Default);
        return MapKinds.Of(definition).Make(group, definition);
    }

    /// <summary>What a kernel shows as <c>memlock</c> of a map like this, with as many elements.</summary>
    /// <param name="profile">The kernel.</param>
    public long MemlockBytesOf(KernelProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return MemlockFormulas.Of(Definition, Count, profile);
    }

    /// <summary>The address of the value of a key, of this processor where each has its own.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>The address, or null when there is no such element, or the map has no values to point to.</returns>
    public abstract byte* Lookup(byte* key);

    /// <summary>The address of the value that a processor has.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="processor">Its number.</param>
    /// <returns>The address, or null when there is no such element or processor, or not each has its own.</returns>
    public virtual byte* LookupOf(byte* key, int processor) => null;

    /// <summary>Adds or replaces an element; of this processor's value where each has its own.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="value">The bytes of the value.</param>
    /// <param name="flags">0 for any, 1 for a new element only, 2 for an existing one only.</param>
    /// <returns>0, or the error of Linux as a negative number; then the map is as it was. -12 (ENOMEM) when memory was
    /// refused: see <see cref="LastRefusal"/>.</returns>
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

    /// <summary>The element after a place, of maps of keys and values. Elements that are added or removed meanwhile may
    /// be left out; all others come once.</summary>
    /// <param name="place">0 to begin; afterwards where to go on.</param>
    /// <param name="key">Where the key is written to.</param>
    /// <returns>The address of the value, of this processor where each has its own; null after the last.</returns>
    internal virtual byte* NextElement(ref long place, byte* key) => null;

    /// <summary>Adds a value to a map without keys.</summary>
    /// <param name="value">The bytes of the value.</param>
    /// <param name="flags">0, or 2 to drop the oldest where there is no room.</param>
    /// <returns>0, or the error of Linux as a negative number.</returns>
    public virtual int Push(byte* value, ulong flags) => MapErrors.Invalid;

    /// <summary>Takes the next value out of a map without keys.</summary>
    /// <param name="value">Where it is written to.</param>
    /// <returns>0, or the error of Linux as a negative number.</returns>
    public virtual int Pop(byte* value) => MapErrors.Invalid;

    /// <summary>Copies the next value of a map without keys; asks a set whether it has the value.</summary>
    /// <param name="value">Where it is written to, or what is asked for.</param>
    /// <returns>0, or the error of Linux as a negative number.</returns>
    public virtual int Peek(byte* value) => MapErrors.Invalid;

    /// <summary>Whether memory lies in values of this map, so that a program may use it.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="bytes">How many there are, at least 1.</param>
    /// <param name="writes">Whether they are to be written.</param>
    public virtual bool Contains(ulong address, ulong bytes, bool writes) =>
        !Definition.Has(writes ? MapFlags.ReadOnlyForPrograms : MapFlags.WriteOnlyForPrograms)
        && HasValueAt(address, bytes);

    /// <summary>The memory in which all values lie, if that is one piece that never moves; otherwise nothing. Keys may
    /// lie between them: it is a bound for programs that were verified, where others ask <see cref="Contains"/>.
    /// </summary>
    internal virtual (ulong Address, long Bytes) Region => default;

    /// <summary>Copies a value.</summary>
    /// <param name="key">The bytes of the key; null for a map without keys.</param>
    /// <param name="value">Where <see cref="HostValueBytes"/> are written to.</param>
    /// <param name="flags">0.</param>
    /// <returns>0, or the error of Linux as a negative number: -2 (ENOENT) when there is no such element.</returns>
    public int Read(byte* key, byte* value, ulong flags = 0)
    {
        if ((flags & ~MapErrors.UnderLock) != 0) return MapErrors.Invalid;
        if (Definition.Has(MapFlags.WriteOnly)) return MapErrors.NotPermitted;
        return flags != 0 ? MapErrors.Invalid : ReadCore(key, value);
    }

    /// <summary>Adds or replaces an element, of all processors where each has its own value.</summary>
    /// <param name="key">The bytes of the key; null for a map without keys.</param>
    /// <param name="value">The <see cref="HostValueBytes"/> of the value.</param>
    /// <param name="flags">0 for any, 1 for a new element only, 2 for an existing one only.</param>
    /// <returns>0, or the error of Linux as a negative number; then the map is as it was.</returns>
    public int Write(byte* key, byte* value, ulong flags = 0)
    {
        if (!MayWrite) return MapErrors.NotPermitted;
        return (flags & MapErrors.UnderLock) != 0 ? MapErrors.Invalid : WriteCore(key, value, flags);
    }

    /// <summary>Removes an element, unless the host may not write.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>0, or the error of Linux as a negative number.</returns>
    public int Remove(byte* key) => MayWrite ? Delete(key) : MapErrors.NotPermitted;

    /// <summary>Copies a value and removes its element, at one instant.</summary>
    /// <param name="key">The bytes of the key; null for a map without keys.</param>
    /// <param name="value">Where <see cref="HostValueBytes"/> are written to.</param>
    /// <param name="flags">0.</param>
    /// <returns>0, or the error of Linux as a negative number.</returns>
    public int LookupAndDelete(byte* key, byte* value, ulong flags = 0)
    {
        if ((flags & ~MapErrors.UnderLock) != 0) return MapErrors.Invalid;
        if (!MayWrite || Definition.Has(MapFlags.WriteOnly)) return MapErrors.NotPermitted;
        return flags != 0 ? MapErrors.Invalid : TakeCore(key, value);
    }

    /// <summary>Ends writing by the host, for good. Programs write on.</summary>
    /// <returns>0, or -1 (EPERM) when the host could not write before.</returns>
    public int Freeze()
    {
        if (Definition.Has(MapFlags.ReadOnly)) return MapErrors.NotPermitted;
        return Interlocked.Exchange(ref _isFrozen, 1) == 0 ? MapErrors.None : MapErrors.NotPermitted;
    }

    /// <summary>Lets another group pay, from one instant on. Elements may be added meanwhile.</summary>
    /// <param name="target">Who pays from then on.</param>
    /// <exception cref="MemoryLimitExceededException">A limit of the target refused, or it has ended; the group of
    /// before pays on.</exception>
    /// <exception cref="ObjectDisposedException">The map has been disposed.</exception>
    public void TransferTo(MemoryGroup target)
    {
        if (!TryTransferTo(target, out ChargeRefusal refusal)) throw new MemoryLimitExceededException(refusal);
    }

    /// <summary>Lets another group pay, from one instant on. Elements may be added meanwhile.</summary>
    /// <param name="target">Who pays from then on.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>True when the target pays. False when refused: the group of before pays on.</returns>
    /// <exception cref="ObjectDisposedException">The map has been disposed.</exception>
    public bool TryTransferTo(MemoryGroup target, out ChargeRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Memory.TryTransferTo(target, out refusal);
    }

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
        bool isGone = Volatile.Read(ref _isDisposed) != 0 || !UserCount.TryAdd(ref _users);
        ObjectDisposedException.ThrowIf(isGone, this);
    }

    /// <summary>One more user of a map that somebody else still uses, whether or not its owner has disposed it.
    /// </summary>
    /// <returns>False when nobody uses it any more.</returns>
    internal bool TryAddUser() => UserCount.TryAdd(ref _users);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) Free();
    }

    /// <summary>Whether memory lies in values, or in one where something else is between them.</summary>
    private protected virtual bool HasValueAt(ulong address, ulong bytes) => false;

    /// <summary>Whether memory lies in a piece of memory.</summary>
    private protected static bool LiesIn(byte* start, long length, ulong address, ulong bytes)
    {
        ulong at = address - (ulong)start;
        return at < (ulong)length && bytes <= (ulong)length - at;
    }

    private protected bool MayWrite => !IsFrozen && !Definition.Has(MapFlags.ReadOnly);

    /// <summary>The index after an index, of a map whose keys are indices.</summary>
    private protected int NextIndex(byte* key, byte* next)
    {
        uint index = key == null ? uint.MaxValue : Unsafe.ReadUnaligned<uint>(key);
        uint following = index >= Definition.Capacity ? 0 : index + 1;
        if (following == Definition.Capacity) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(next, following);
        return MapErrors.None;
    }

    /// <summary>Copies a value. Nobody else has to have checked anything but access and flags.</summary>
    private protected virtual int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        byte* found = Lookup(key);
        if (found == null) return MapErrors.NotFound;
        Buffer.MemoryCopy(found, value, HostValueBytes, HostValueBytes);
        return MapErrors.None;
    }

    /// <summary>Adds or replaces what <see cref="HostValueBytes"/> says.</summary>
    private protected virtual int WriteCore(byte* key, byte* value, ulong flags) =>
        key == null ? MapErrors.Invalid : Update(key, value, flags);

    /// <summary>Copies a value and removes it.</summary>
    private protected virtual int TakeCore(byte* key, byte* value) => MapErrors.NotSupported;

    /// <summary>Lets go of what may use this map in turn: programs would otherwise keep it, and it them, for ever.
    /// </summary>
    private protected virtual void LoseOwner()
    {
    }

    /// <summary>Frees all memory of the map. Nobody uses it any more. Whoever overrides it calls this one
    /// last.</summary>
    private protected virtual void Free() => Memory.Dispose();
}
