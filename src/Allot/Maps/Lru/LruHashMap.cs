// An update takes a node before it looks for the key, as in Linux: its memory is filled without a lock. So an update of
// a full map can drop the very element that it is to replace, and one that only may replace then finds nothing. Where
// each processor has its own value, an update that may only replace takes none, and values are replaced in place.
//
// Memory: buckets, nodes with their keys and after them the heads of lists, values. Values lie apart, so that the
// memory that programs may write holds values and nothing else. An address of a value stays one of a value until the
// map ends; after the element was dropped, it is, as in Linux, that of another element.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by keys of any bytes. When it is full, an update drops some of those that were not used for long:
/// half of a processor's share at a time, and 128 at most.</summary>
/// <remarks>All members may be used from any thread; lookups take no lock. A lookup by a program and the update of an
/// element count as uses; reads by the host do not.</remarks>
public sealed unsafe partial class LruHashMap : GroupMap
{
    private readonly int _processors;
    private readonly int _capacity;
    private readonly bool _isPerProcessor;   // each processor has its own value
    private readonly int _valueBytes;
    private readonly long _slotBytes;        // of one value
    private readonly long _strideBytes;      // of one element's values
    private readonly ulong _seed;
    private readonly byte* _values;
    private readonly LruIndex _index;
    private readonly LruOrder _order;

    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">Keys, values and the map have at least one byte or element. With
    /// <see cref="MapFlags.NoCommonLru"/> each processor has an equal share of the elements, and drops only its
    /// own.</param>
    /// <exception cref="MapRefusedException">The definition is none of an LRU map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public LruHashMap(MemoryGroup group, MapDefinition definition)
        : this(group, definition, ProcessorCount)
    {
    }

    /// <summary>The same on another number of processors.</summary>
    internal LruHashMap(MemoryGroup group, MapDefinition definition, int processors)
        : base(group, definition)
    {
        Debug.Assert(processors >= 1, "There is a processor.");
        _processors = processors;
        _capacity = (int)CapacityOf(definition, processors);
        _isPerProcessor = definition.Type == MapType.LruPerCpuHash;
        _valueBytes = (int)definition.ValueBytes;
        _slotBytes = (long)MemlockFormulas.Round8(definition.ValueBytes);
        _strideBytes = (long)ValuesBytesOf(definition, processors);
        _seed = KeyHash.SeedFor(definition);
        (Int128 buckets, Int128 nodes, Int128 values) = BlocksOf(definition, processors);
        var bucketList = (LruBucket*)Memory.Allocate(definition, buckets);
        var nodeList = new LruNodes(Memory.Allocate(definition, nodes), definition.KeyBytes);
        _values = Memory.Allocate(definition, values);
        _index = new LruIndex(bucketList, (uint)(MemlockFormulas.PowerOfTwo(_capacity) - 1), nodeList);
        _order = definition.Has(MapFlags.NoCommonLru)
            ? new PerProcessorLruOrder(_index, _capacity, processors)
            : new CommonLruOrder(_index, _capacity, processors);
    }

    /// <inheritdoc/>
    public override long Count => _capacity - _order.FreeCount;

    /// <inheritdoc/>
    public override long HostValueBytes => _isPerProcessor ? _strideBytes : _valueBytes;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        (Int128 buckets, Int128 nodes, Int128 values) = BlocksOf(definition, processors);
        return MapFootprint.Fixed(buckets, nodes, values);
    }

    /// <inheritdoc/>
    public override byte* Lookup(byte* key)
    {
        int node = Find(key, marks: true);
        return node < 0 ? null : ValueOf(node, _isPerProcessor ? Processor : 0);
    }

    /// <inheritdoc/>
    public override byte* LookupOf(byte* key, int processor)
    {
        if (!_isPerProcessor || (uint)processor >= (uint)_processors) return null;
        int node = Find(key, marks: true);
        return node < 0 ? null : ValueOf(node, processor);
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        return _isPerProcessor
            ? UpdateInPlace(key, value, flags, bytesOfEach: 0)
            : Replace(key, value, flags);
    }

    /// <inheritdoc/>
    public override int Delete(byte* key) => Remove(key, value: null);

    internal override byte* NextElement(ref long place, byte* key)
    {
        byte* first = NextValues(ref place, key);
        return first == null || !_isPerProcessor ? first : first + (Processor * _slotBytes);
    }

    /// <summary>From the value of one processor to that of the next.</summary>
    internal long ProcessorBytes => _slotBytes;

    /// <summary>The element after a place: the value of the first processor; null after the last.</summary>
    internal byte* NextValues(ref long place, byte* key)
    {
        while (place < _capacity)
        {
            var node = (int)place++;
            LruBucket* bucket = _index.BucketOf(Volatile.Read(ref _index.Nodes[node].Hash));
            if (Volatile.Read(ref bucket->First) == 0) continue;
            LruIndex.Lock(bucket);
            bool isElement = _index.Has(bucket, node);
            if (isElement) CopyKey(node, key);
            LruIndex.Unlock(bucket);
            if (isElement) return ValueOf(node, 0);
        }

        return null;
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        uint at = 0;
        if (key != null)
        {
            uint hash = HashOf(key);
            LruBucket* bucket = _index.BucketOf(hash);
            LruIndex.Lock(bucket);
            int node = _index.Find(bucket, hash, key);
            int following = node < 0 ? 0 : _index.Nodes[node].Chain;
            if (following != 0) CopyKey(following - 1, next);
            LruIndex.Unlock(bucket);
            if (following != 0) return MapErrors.None;
            if (node >= 0) at = _index.NumberOf(bucket) + 1;
        }

        for (; at < _index.BucketCount; at++)
        {
            LruBucket* bucket = _index.BucketAt(at);
            if (Volatile.Read(ref bucket->First) == 0) continue;
            LruIndex.Lock(bucket);
            int first = bucket->First;
            if (first != 0) CopyKey(first - 1, next);
            LruIndex.Unlock(bucket);
            if (first != 0) return MapErrors.None;
        }

        return MapErrors.NotFound;
    }

    private protected override bool HasValueAt(ulong address, ulong bytes) =>
        LiesIn(_values, _capacity * _strideBytes, address, bytes);

    internal override (ulong Address, long Bytes) Region => ((ulong)_values, _capacity * _strideBytes);

    private int Processor => (int)((uint)Thread.GetCurrentProcessorId() % (uint)_processors);

    /// <summary>Copies a value, and keeps in mind that it was used if the caller says so. No lock: what is copied is
    /// one value, unless programs write into it meanwhile.</summary>
    private bool TryCopy(byte* key, ValueCopy copy, bool marks)
    {
        uint hash = HashOf(key);
        LruBucket* bucket = _index.BucketOf(hash);
        while (true)
        {
            uint version = LruIndex.BeginRead(bucket);
            int node = _index.Search(bucket, version, hash, key);
            if (node >= 0) copy.From(ValueOf(node, 0), _slotBytes);
            if (!LruIndex.IsStill(bucket, version)) continue;
            if (node < 0) return false;
            if (marks) Mark(node);
            return true;
        }
    }

    /// <summary>Copies the values of all processors; that does not count as a use.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="values">Where they go, one behind the other.</param>
    /// <param name="bytes">What is copied of each.</param>
    internal bool TryCopyAll(byte* key, byte* values, long bytes) => TryCopy(key, AllTo(values, bytes), marks: false);

    /// <summary>Copies the value of the processor that runs this, for types of the sizes of this map.</summary>
    internal bool TryCopyOf<TKey, TValue>(TKey key, out TValue value, bool marks)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        TValue copy = default;
        var to = new ValueCopy((byte*)&copy, sizeof(TValue)) { First = Processor };
        bool isFound = TryCopy((byte*)&key, to, marks);
        value = copy;
        return isFound;
    }

    /// <summary>The same where there is one value for all processors.</summary>
    internal bool TryCopy<TKey, TValue>(TKey key, out TValue value, bool marks)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        uint hash = LruNodes.HashOf((byte*)&key, sizeof(TKey), _seed);
        LruBucket* bucket = _index.BucketOf(hash);
        while (true)
        {
            uint version = LruIndex.BeginRead(bucket);
            int node = _index.Search(bucket, version, hash, (byte*)&key);
            value = node < 0 ? default : Unsafe.ReadUnaligned<TValue>(_values + (node * _strideBytes));
            if (!LruIndex.IsStill(bucket, version)) continue;
            if (node >= 0 && marks) Mark(node);
            return node >= 0;
        }
    }

    /// <summary>Adds or replaces the values of all processors, of a map where each has its own.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="values">They lie one behind the other.</param>
    /// <param name="bytes">From each to the next: at least the size of a value.</param>
    /// <param name="flags">Those of <see cref="Update"/>.</param>
    internal int UpdateAll(byte* key, byte* values, long bytes, ulong flags)
    {
        Debug.Assert(_isPerProcessor && bytes >= _valueBytes, "Each processor has its value, and it is all there.");
        return flags > MapErrors.OnlyExisting ? MapErrors.Invalid : UpdateInPlace(key, values, flags, bytes);
    }

    /// <summary>Removes an element; its value is copied unless there is nowhere to.</summary>
    internal int Remove(byte* key, byte* value) => Take(key, value, HostBytesOfOne);

    /// <summary>Removes an element; the values of all processors are copied unless there is nowhere to.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="values">Where they go, one behind the other.</param>
    /// <param name="bytes">What is copied of each.</param>
    internal int Take(byte* key, byte* values, long bytes)
    {
        uint hash = HashOf(key);
        LruBucket* bucket = _index.BucketOf(hash);
        LruIndex.Lock(bucket);
        int node = _index.Find(bucket, hash, key);
        if (node >= 0)
        {
            if (values != null) AllTo(values, bytes).From(ValueOf(node, 0), _slotBytes);
            _index.Unlink(bucket, node);
        }

        LruIndex.Unlock(bucket);
        if (node < 0) return MapErrors.NotFound;
        _order.Give(node);
        return MapErrors.None;
    }

    /// <summary>Copies the first element whose node comes after another one. Elements that are updated meanwhile can
    /// come twice or not at all, all others come once.</summary>
    /// <param name="node">The number of the node before, -1 to begin; afterwards that of the element.</param>
    /// <param name="key">Where the key goes.</param>
    /// <param name="value">Where the value goes.</param>
    internal bool TryCopyNext(ref int node, byte* key, byte* value)
    {
        for (node++; node < _capacity; node++)
        {
            LruBucket* bucket = _index.BucketOf(Volatile.Read(ref _index.Nodes[node].Hash));
            if (Volatile.Read(ref bucket->First) == 0) continue;
            LruIndex.Lock(bucket);
            bool isElement = _index.Has(bucket, node);
            if (isElement)
            {
                CopyKey(node, key);
                CopyValue(node, value);
            }

            LruIndex.Unlock(bucket);
            if (isElement) return true;
        }

        return false;
    }

    /// <summary>Checks, while nobody uses the map, that each node is an element or free.</summary>
    internal void Validate()
    {
        long elements = 0;
        for (int node = 0; node < _capacity; node++)
        {
            bool isFree = _index.Nodes[node].Place is LruPlace.Free or LruPlace.LocalFree;
            bool isElement = _index.Has(_index.BucketOf(_index.Nodes[node].Hash), node);
            if (isFree == isElement) throw new InvalidOperationException($"Node {node} is both or neither.");
            if (isElement) elements++;
        }

        if (elements != Count) throw new InvalidOperationException($"{elements} elements are counted as {Count}.");
        _order.Validate();
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        return TryCopyAll(key, value, HostBytesOfOne) ? MapErrors.None : MapErrors.NotFound;
    }

    private protected override int WriteCore(byte* key, byte* value, ulong flags)
    {
        if (key == null) return MapErrors.Invalid;
        return _isPerProcessor ? UpdateAll(key, value, _slotBytes, flags) : Update(key, value, flags);
    }

    private protected override int TakeCore(byte* key, byte* value) =>
        key == null ? MapErrors.Invalid : Remove(key, value);

    // With lists for each processor, each has the same number of elements.
    private static Int128 CapacityOf(MapDefinition definition, Int128 processors)
    {
        if (!definition.Has(MapFlags.NoCommonLru)) return definition.Capacity;
        return (definition.Capacity + processors - 1) / processors * processors;
    }

    private static Int128 ValuesBytesOf(MapDefinition definition, int processors) =>
        MemlockFormulas.Round8(definition.ValueBytes) * (definition.Type == MapType.LruPerCpuHash ? processors : 1);

    private static (Int128 Buckets, Int128 Nodes, Int128 Values) BlocksOf(MapDefinition definition, int processors)
    {
        Int128 n = CapacityOf(definition, processors);
        int heads = definition.Has(MapFlags.NoCommonLru)
            ? PerProcessorLruOrder.HeadCountOf(processors)
            : CommonLruOrder.HeadCountOf(processors);
        return (
            MemlockFormulas.PowerOfTwo(n) * sizeof(LruBucket),
            (n + heads) * LruNodes.StrideOf(definition.KeyBytes),
            n * ValuesBytesOf(definition, processors));
    }

    private int Replace(byte* key, byte* value, ulong flags)
    {
        uint hash = HashOf(key);
        int node = _order.Take(hash, Processor);
        if (node < 0) return MapErrors.NoMemory;
        Unsafe.CopyBlockUnaligned(_index.Nodes.KeyOf(node), key, (uint)_index.Nodes.KeyBytes);
        Unsafe.CopyBlockUnaligned(ValueOf(node, 0), value, (uint)_valueBytes);
        LruBucket* bucket = _index.BucketOf(hash);
        LruIndex.Lock(bucket);
        int old = _index.Find(bucket, hash, key);
        int error = ErrorOf(old >= 0, flags);
        if (error == MapErrors.None)
        {
            _index.Link(bucket, node);
            if (old >= 0)
            {
                _index.Nodes[node].IsUsed = true;
                _index.Unlink(bucket, old);
            }
        }

        LruIndex.Unlock(bucket);
        if (error != MapErrors.None) _order.Give(node);
        else if (old >= 0) _order.Give(old);
        return error;
    }

    // From the value of one processor to that of the next; 0 where there is only that of this one.
    private int UpdateInPlace(byte* key, byte* value, ulong flags, long bytesOfEach)
    {
        uint hash = HashOf(key);
        int node = -1;
        if (flags != MapErrors.OnlyExisting)
        {
            node = _order.Take(hash, Processor);
            if (node < 0) return MapErrors.NoMemory;
            Unsafe.CopyBlockUnaligned(_index.Nodes.KeyOf(node), key, (uint)_index.Nodes.KeyBytes);
        }

        LruBucket* bucket = _index.BucketOf(hash);
        LruIndex.Lock(bucket);
        int old = _index.Find(bucket, hash, key);
        int error = ErrorOf(old >= 0, flags);
        bool isAdded = error == MapErrors.None && old < 0;
        if (error == MapErrors.None)
        {
            if (isAdded) Unsafe.InitBlockUnaligned(ValueOf(node, 0), 0, (uint)_strideBytes);
            CopyIn(isAdded ? node : old, value, bytesOfEach);
            if (isAdded) _index.Link(bucket, node);
            else _index.Nodes[old].IsUsed = true;
        }

        LruIndex.Unlock(bucket);
        if (node >= 0 && !isAdded) _order.Give(node);
        return error;
    }

    private static int ErrorOf(bool isThere, ulong flags)
    {
        if (isThere && flags == MapErrors.OnlyNew) return MapErrors.Exists;
        return !isThere && flags == MapErrors.OnlyExisting ? MapErrors.NotFound : MapErrors.None;
    }

    private void CopyIn(int node, byte* value, long bytesOfEach)
    {
        if (bytesOfEach == 0)
        {
            Unsafe.CopyBlockUnaligned(ValueOf(node, Processor), value, (uint)_valueBytes);
            return;
        }

        for (int processor = 0; processor < _processors; processor++, value += bytesOfEach)
        {
            Unsafe.CopyBlockUnaligned(ValueOf(node, processor), value, (uint)_valueBytes);
        }
    }

    private int Find(byte* key, bool marks)
    {
        uint hash = HashOf(key);
        LruBucket* bucket = _index.BucketOf(hash);
        while (true)
        {
            uint version = LruIndex.BeginRead(bucket);
            int node = _index.Search(bucket, version, hash, key);
            if (!LruIndex.IsStill(bucket, version)) continue;
            if (node >= 0 && marks) Mark(node);
            return node;
        }
    }

    // Written only when it is not set: the nodes of what everybody uses stay in the caches of all processors.
    private void Mark(int node)
    {
        ref bool isUsed = ref _index.Nodes[node].IsUsed;
        if (!isUsed) isUsed = true;
    }

    private void CopyKey(int node, byte* key) =>
        Unsafe.CopyBlockUnaligned(key, _index.Nodes.KeyOf(node), (uint)_index.Nodes.KeyBytes);

    private void CopyValue(int node, byte* value) =>
        AllTo(value, HostBytesOfOne).From(ValueOf(node, 0), _slotBytes);

    private ValueCopy AllTo(byte* values, long bytes) =>
        new(values, bytes) { Count = _isPerProcessor ? _processors : 1 };

    // Of what a processor has, as the host copies it.
    private long HostBytesOfOne => _isPerProcessor ? _slotBytes : _valueBytes;

    private byte* ValueOf(int node, int processor) => _values + (node * _strideBytes) + (processor * _slotBytes);

    private uint HashOf(byte* key) => LruNodes.HashOf(key, _index.Nodes.KeyBytes, _seed);
}
