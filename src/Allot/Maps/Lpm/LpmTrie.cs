// A binary trie of prefixes without chains: a node is where prefixes part, or end. A key is its number of bits, in the
// byte order of the machine, and then the address, its highest bit first. Bits after the prefix mean nothing.
//
// Writers have one lock. Readers take none: they go down, and go down again if the version is another one then, or odd.
// Nodes stay nodes until the map ends, and each step must go to a longer prefix, so a reader that runs astray reads
// memory of the map, and ends. One that is disturbed again and again takes the lock.
//
// An element that is updated keeps its node, so that an update of what is there never needs memory. (Linux replaces the
// node: there, who holds the address of the old value keeps seeing that.)

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by prefixes: a lookup finds the longest one that the key begins with.</summary>
/// <remarks>All members may be used from any thread; lookups take no lock. Memory is taken when elements are added, and
/// kept for the next ones when they are removed.</remarks>
public sealed unsafe class LpmTrie : GroupMap
{
    private const int TriesWithoutLock = 8;

    private readonly Lock _lock = new();
    private readonly ElementPool _nodes;
    private readonly int _addressBytes;
    private readonly int _addressBits;
    private readonly long _valueAt;     // from the start of a node
    private readonly long _valueBytes;  // rounded up
    private TrieNode* _root;
    private uint _version;              // odd while somebody changes the trie
    private long _count;

    /// <summary>Makes the trie. Its group is charged when elements are added.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 5 to 260 bytes, 4 of them for the number of bits; the flags contain
    /// <see cref="MapFlags.NoPreallocation"/>.</param>
    /// <exception cref="MapRefusedException">The definition is none of a trie.</exception>
    public LpmTrie(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _addressBytes = AddressBytesOf(definition);
        _addressBits = _addressBytes * 8;
        _valueAt = ValueAt(definition);
        _valueBytes = (long)MemlockFormulas.Round8(definition.ValueBytes);
        _nodes = new ElementPool(Memory, NodesOf(definition));
    }

    /// <inheritdoc/>
    public override long Count => Volatile.Read(ref _count);

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        new(0, MemlockFormulas.Limited(NodesOf(definition).MostBytes));

    /// <summary>The address of the value of the longest prefix that a key begins with.</summary>
    /// <param name="key">A prefix: what is longer does not match.</param>
    /// <returns>The address, or null when there is no such prefix.</returns>
    public override byte* Lookup(byte* key)
    {
        for (int tries = 0; ; tries++)
        {
            uint version = BeginRead(tries);
            TrieNode* node = Match(key);
            if (EndRead(version, tries)) return node == null ? null : (byte*)node + _valueAt;
        }
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        int bits = BitsOf(key);
        if (bits < 0 || flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        using (HeldReports.Enter(_lock)) return Update_NeedsLock(key + sizeof(uint), bits, value, flags);
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        int bits = BitsOf(key);
        if (bits < 0) return MapErrors.Invalid;
        lock (_lock) return Delete_NeedsLock(key + sizeof(uint), bits);
    }

    /// <summary>The prefix after a prefix: longer ones before the shorter ones that they begin with, and 0 before
    /// 1.</summary>
    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        lock (_lock)
        {
            TrieNode* following = Following_NeedsLock(key, beginsAnew: true);
            if (following == null) return MapErrors.NotFound;
            CopyKey(following, next);
            return MapErrors.None;
        }
    }

    private protected override bool HasValueAt(ulong address, ulong bytes)
    {
        byte* node = _nodes.ElementAt(address);
        return node != null && LiesIn(node + _valueAt, _valueBytes, address, bytes);
    }

    /// <summary>Copies the value of the longest prefix. It is one value, unless programs write into it
    /// meanwhile.</summary>
    internal bool TryCopy(byte* key, byte* value)
    {
        for (int tries = 0; ; tries++)
        {
            uint version = BeginRead(tries);
            TrieNode* node = Match(key);
            if (node != null) Unsafe.CopyBlockUnaligned(value, (byte*)node + _valueAt, (uint)Definition.ValueBytes);
            if (EndRead(version, tries)) return node != null;
        }
    }

    /// <summary>Copies the element after a key, whether or not that is still there, at one instant.</summary>
    internal bool TryCopyNext(byte* key, byte* next, byte* value)
    {
        lock (_lock)
        {
            TrieNode* following = Following_NeedsLock(key, beginsAnew: false);
            if (following == null) return false;
            CopyKey(following, next);
            Unsafe.CopyBlockUnaligned(value, (byte*)following + _valueAt, (uint)Definition.ValueBytes);
            return true;
        }
    }

    private protected override MapBatchKinds Batches =>
        MapBatchKinds.Lookup | MapBatchKinds.Update | MapBatchKinds.Delete;

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        return TryCopy(key, value) ? MapErrors.None : MapErrors.NotFound;
    }

    private static int AddressBytesOf(MapDefinition definition) => definition.KeyBytes - sizeof(uint);

    private static long ValueAt(MapDefinition definition) =>
        sizeof(TrieNode) + (long)MemlockFormulas.Round8(AddressBytesOf(definition));

    // Each element but one can need a node in between, and there are not more nodes than prefixes.
    private static PoolShape NodesOf(MapDefinition definition)
    {
        const int BitsThatMatter = 40;
        int bits = int.Min(AddressBytesOf(definition) * 8, BitsThatMatter);
        return new PoolShape(
            ValueAt(definition) + (long)MemlockFormulas.Round8(definition.ValueBytes),
            long.Min((2 * definition.Capacity) - 1, (1L << (bits + 1)) - 1));
    }

    // -1 when the prefix is longer than an address.
    private int BitsOf(byte* key)
    {
        uint bits = Unsafe.ReadUnaligned<uint>(key);
        return bits <= (uint)_addressBits ? (int)bits : -1;
    }

    private uint BeginRead(int tries)
    {
        if (tries == TriesWithoutLock) _lock.Enter();
        if (tries >= TriesWithoutLock) return Volatile.Read(ref _version);
        var wait = default(SpinWait);
        while (true)
        {
            uint version = Volatile.Read(ref _version);
            if ((version & 1) == 0) return version;
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    // What was read since is of one moment. Under the lock it always is.
    private bool EndRead(uint version, int tries)
    {
        Volatile.ReadBarrier();
        bool isStill = Volatile.Read(ref _version) == version;
        if (tries < TriesWithoutLock) return isStill;
        Debug.Assert(isStill, "Nobody else changes the trie under its lock.");
        _lock.Exit();
        return true;
    }

    private TrieNode* Match(byte* key)
    {
        int bits = BitsOf(key);
        byte* address = key + sizeof(uint);
        TrieNode* found = null;
        TrieNode* node = _root;
        int common = 0;
        while (node != null)
        {
            int nodeBits = node->Bits;
            if (nodeBits > bits || nodeBits < common) break;    // the latter only astray
            common = KeyBits.InCommon(TrieNode.AddressOf(node), address, common, nodeBits);
            if (common < nodeBits) break;
            if (!node->IsBetween) found = node;
            if (nodeBits == bits) break;
            TrieNode* next = *TrieNode.ChildOf(node, KeyBits.At(address, nodeBits));
            if (next != null && next->Bits <= nodeBits) break;  // astray
            node = next;
        }

        return found;
    }

    private int Update_NeedsLock(byte* address, int bits, byte* value, ulong flags)
    {
        TrieNode* root = _root;
        TrieNode** link = &root;
        int common = 0;
        while (*link != null)
        {
            TrieNode* node = *link;
            common = KeyBits.InCommon(TrieNode.AddressOf(node), address, common, int.Min(node->Bits, bits));
            if (common < node->Bits || node->Bits == bits) break;
            link = TrieNode.ChildOf(node, KeyBits.At(address, node->Bits));
        }

        TrieNode* at = *link;
        bool isNode = at != null && at->Bits == bits && common == bits;
        if (isNode && !at->IsBetween)
        {
            if (flags == MapErrors.OnlyNew) return MapErrors.Exists;
            BeginChange_NeedsLock();
            Fill(at, address, value);
            EndChange_NeedsLock();
            return MapErrors.None;
        }

        if (flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
        if (_count == Definition.Capacity) return MapErrors.NoSpace;
        if (isNode)
        {
            BeginChange_NeedsLock();
            Fill(at, address, value);
            at->IsBetween = false;
        }
        else
        {
            TrieNode* added = Grow_NeedsLock(at, common, address, bits, value);
            if (added == null) return MapErrors.NoMemory;
            *link = added;
            _root = root;
        }

        Volatile.Write(ref _count, _count + 1);
        EndChange_NeedsLock();
        return MapErrors.None;
    }

    // Makes a node of a prefix that shares so many bits with a node, or with nothing, and what stands in its place
    // then. Null, and nothing has changed, when there is no memory.
    private TrieNode* Grow_NeedsLock(TrieNode* at, int common, byte* address, int bits, byte* value)
    {
        TrieNode* leaf = TryTake_NeedsLock();
        if (leaf == null) return null;
        bool isFork = at != null && common < bits;
        TrieNode* fork = isFork ? TryTake_NeedsLock() : null;
        if (isFork && fork == null)
        {
            Give_NeedsLock(leaf);
            return null;
        }

        BeginChange_NeedsLock();
        leaf->Zero = leaf->One = null;
        leaf->Bits = bits;
        leaf->IsBetween = false;
        Fill(leaf, address, value);
        if (at == null) return leaf;
        if (!isFork)
        {
            *TrieNode.ChildOf(leaf, KeyBits.At(TrieNode.AddressOf(at), bits)) = at;
            return leaf;
        }

        int bit = KeyBits.At(address, common);
        fork->Bits = common;
        fork->IsBetween = true;
        Unsafe.CopyBlockUnaligned(TrieNode.AddressOf(fork), address, (uint)_addressBytes);
        *TrieNode.ChildOf(fork, bit) = leaf;
        *TrieNode.ChildOf(fork, 1 - bit) = at;
        return fork;
    }

    private TrieNode* TryTake_NeedsLock() => (TrieNode*)_nodes.TryTake(wanted: 1, out _);

    private void Give_NeedsLock(TrieNode* node)
    {
        node->Zero = null;   // the pool takes a list
        _nodes.Give((byte*)node);
    }

    private int Delete_NeedsLock(byte* address, int bits)
    {
        TrieNode* root = _root;
        TrieNode** link = &root;
        TrieNode** parentLink = null;
        int common = 0;
        while (*link != null)
        {
            TrieNode* at = *link;
            common = KeyBits.InCommon(TrieNode.AddressOf(at), address, common, int.Min(at->Bits, bits));
            if (common < at->Bits || at->Bits == bits) break;
            parentLink = link;
            link = TrieNode.ChildOf(at, KeyBits.At(address, at->Bits));
        }

        TrieNode* node = *link;
        if (node == null || node->Bits != bits || common != bits || node->IsBetween) return MapErrors.NotFound;
        BeginChange_NeedsLock();
        TrieNode* parent = parentLink == null ? null : *parentLink;
        if (node->Zero != null && node->One != null)
        {
            node->IsBetween = true;
        }
        else if (node->Zero == null && node->One == null && parent != null && parent->IsBetween)
        {
            *parentLink = link == &parent->Zero ? parent->One : parent->Zero;
            Give_NeedsLock(node);
            Give_NeedsLock(parent);
        }
        else
        {
            *link = node->Zero != null ? node->Zero : node->One;
            Give_NeedsLock(node);
        }

        _root = root;
        Volatile.Write(ref _count, _count - 1);
        EndChange_NeedsLock();
        return MapErrors.None;
    }

    // What follows a prefix is the first element beside it, if it is a 0 with a 1 beside it; or else the one above it
    // that is an element, or what follows that. From above: the last such candidate on the way down.
    private TrieNode* Following_NeedsLock(byte* key, bool beginsAnew)
    {
        if (key == null) return FirstOf(_root);
        int bits = BitsOf(key);
        if (bits < 0) return FirstOf(_root);
        byte* address = key + sizeof(uint);
        TrieNode* candidate = null;
        TrieNode* node = _root;
        int common = 0;
        while (node != null)
        {
            common = KeyBits.InCommon(TrieNode.AddressOf(node), address, common, int.Min(node->Bits, bits));
            if (common < node->Bits || node->Bits == bits) break;
            int bit = KeyBits.At(address, node->Bits);
            if (bit == 0 && node->One != null) candidate = FirstOf(node->One);
            else if (!node->IsBetween) candidate = node;
            node = *TrieNode.ChildOf(node, bit);
        }

        if (node != null && node->Bits == bits && common == bits && !node->IsBetween) return candidate;
        if (beginsAnew) return FirstOf(_root);

        // The prefix is not there. What it would have parted from comes after it, if that goes on with 1.
        bool parts = node != null && common < node->Bits && common < bits;
        return parts && KeyBits.At(address, common) == 0 ? FirstOf(node) : candidate;
    }

    // A node without children is an element.
    private static TrieNode* FirstOf(TrieNode* node)
    {
        while (node != null && (node->Zero != null || node->One != null))
        {
            node = node->Zero != null ? node->Zero : node->One;
        }

        return node;
    }

    private void CopyKey(TrieNode* node, byte* key)
    {
        Unsafe.WriteUnaligned(key, node->Bits);
        Unsafe.CopyBlockUnaligned(key + sizeof(uint), TrieNode.AddressOf(node), (uint)_addressBytes);
    }

    private void Fill(TrieNode* node, byte* address, byte* value)
    {
        Unsafe.CopyBlockUnaligned(TrieNode.AddressOf(node), address, (uint)_addressBytes);
        Unsafe.CopyBlockUnaligned((byte*)node + _valueAt, value, (uint)Definition.ValueBytes);
    }

    // The fence of Increment keeps what is changed after it; EndRead pairs with it.
    private void BeginChange_NeedsLock() => Interlocked.Increment(ref _version);

    private void EndChange_NeedsLock() => Volatile.Write(ref _version, _version + 1);
}
