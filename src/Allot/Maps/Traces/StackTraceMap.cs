// Traces by number. The number of a trace is its hash, cut to the buckets that there are: the same trace has the same
// number, and two traces can want the same number. Then the first one stays, unless the second is told to take its
// place.
//
// A trace is in one of as many elements as the map has room for. There are at least as many buckets, so a trace can
// find its bucket empty and no element left.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Lists of addresses by number, each kept once.</summary>
/// <remarks>All members may be used from any thread. Traces are copied in and out.</remarks>
public sealed unsafe class StackTraceMap : GroupMap
{
    /// <summary>The bits of the flags that say how many of the nearest frames are left out.</summary>
    public const ulong SkipMask = 0xff;

    /// <summary>The stack of user mode. In a process there is no other.</summary>
    public const ulong UserStack = 1 << 8;

    /// <summary>A trace with the same hash is taken for the same.</summary>
    public const ulong CompareHashOnly = 1 << 9;

    /// <summary>A trace with the same number is replaced.</summary>
    public const ulong ReuseNumber = 1 << 10;

    private const ulong KnownFlags = SkipMask | UserStack | CompareHashOnly | ReuseNumber;
    private const int BuildIdBytes = 32;
    private const int AddressInBuildId = 24;
    private const int OnlyAddress = 2;    // of the states of a build id: there is none, only the address

    private readonly Lock _lock = new();
    private readonly int _frameBytes;
    private readonly int _framesMax;
    private readonly uint _bucketMask;
    private readonly long _strideBytes;
    private readonly int* _buckets;       // the number of the element, plus 1
    private readonly byte* _elements;
    private int _free;                    // the first free element, plus 1
    private int _count;

    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes; a value 1 to 127 frames of 8 bytes, or of 32 with
    /// <see cref="MapFlags.StackBuildId"/>.</param>
    /// <exception cref="MapRefusedException">The definition is none of stack traces.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public StackTraceMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _frameBytes = definition.Has(MapFlags.StackBuildId) ? BuildIdBytes : sizeof(ulong);
        _framesMax = (int)definition.ValueBytes / _frameBytes;
        _strideBytes = StrideOf(definition);
        _bucketMask = (uint)(MemlockFormulas.PowerOfTwo(definition.Capacity) - 1);
        (Int128 buckets, Int128 elements) = BlocksOf(definition);
        _buckets = (int*)Memory.Allocate(definition, buckets);
        _elements = Memory.Allocate(definition, elements);
        for (int element = 1; element <= definition.Capacity; element++) At(element).Next = element - 1;
        _free = (int)definition.Capacity;
    }

    /// <inheritdoc/>
    public override long Count => Volatile.Read(ref _count);

    /// <summary>The most frames of a trace; further ones are left out.</summary>
    public int FramesMax => _framesMax;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        (Int128 buckets, Int128 elements) = BlocksOf(definition);
        return MapFootprint.Fixed(buckets, elements);
    }

    /// <summary>Keeps a trace, or finds it.</summary>
    /// <param name="frames">The addresses, the nearest first.</param>
    /// <param name="flags"><see cref="SkipMask"/>, <see cref="UserStack"/>, <see cref="CompareHashOnly"/> and
    /// <see cref="ReuseNumber"/>.</param>
    /// <returns>The number of the trace, or an error of Linux as a negative number: -17 (EEXIST) when another trace
    /// has its number, -12 (ENOMEM) when all elements are in use, -14 (EFAULT) when no frame is left, -22 (EINVAL) for
    /// other flags.
    /// </returns>
    public int Keep(ReadOnlySpan<ulong> frames, ulong flags = 0)
    {
        if ((flags & ~KnownFlags) != 0) return MapErrors.Invalid;
        int skipped = (int)(flags & SkipMask);
        if (skipped >= frames.Length) return MapErrors.BadAddress;
        frames = frames[skipped..];
        if (frames.Length > _framesMax) frames = frames[.._framesMax];
        uint hash = HashOf(frames);
        uint number = hash & _bucketMask;
        lock (_lock)
        {
            int element = _buckets[number];
            if (element != 0)
            {
                bool isSame = At(element).Hash == hash
                    && ((flags & CompareHashOnly) != 0 || IsTraceOf_NeedsLock(element, frames));
                if (isSame) return (int)number;
                if ((flags & ReuseNumber) == 0) return MapErrors.Exists;
            }

            // The one that is replaced is given back afterwards, as in Linux: a full map cannot replace.
            if (_free == 0) return MapErrors.NoMemory;
            int taken = _free;
            _free = At(taken).Next;
            Fill_NeedsLock(taken, hash, frames);
            if (element != 0) Give_NeedsLock(element);
            _buckets[number] = taken;
            _count++;
            return (int)number;
        }
    }

    /// <summary>Copies the addresses of a trace, the nearest first.</summary>
    /// <param name="number">What <see cref="Keep"/> has returned.</param>
    /// <param name="frames">Where they go; those that find no room are left out.</param>
    /// <param name="count">How many the trace has.</param>
    /// <returns>False when there is no such trace.</returns>
    public bool TryGetTrace(int number, Span<ulong> frames, out int count)
    {
        count = 0;
        lock (_lock)
        {
            if ((uint)number > _bucketMask || _buckets[number] == 0) return false;
            int element = _buckets[number];
            count = At(element).FrameCount;
            for (int frame = 0; frame < int.Min(count, frames.Length); frame++)
            {
                frames[frame] = Unsafe.ReadUnaligned<ulong>(AddressOf(element, frame));
            }

            return true;
        }
    }

    /// <summary>A trace has no address.</summary>
    /// <param name="key">Anything.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags) => MapErrors.Invalid;

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint number = Unsafe.ReadUnaligned<uint>(key);
        if (number > _bucketMask) return MapErrors.TooBig;
        lock (_lock)
        {
            if (_buckets[number] == 0) return MapErrors.NotFound;
            Give_NeedsLock(_buckets[number]);
            _buckets[number] = 0;
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        uint from = key == null ? uint.MaxValue : Unsafe.ReadUnaligned<uint>(key);
        lock (_lock)
        {
            bool isThere = from <= _bucketMask && _buckets[from] != 0;
            for (uint number = isThere ? from + 1 : 0; number <= _bucketMask; number++)
            {
                if (_buckets[number] == 0) continue;
                Unsafe.WriteUnaligned(next, number);
                return MapErrors.None;
            }
        }

        return MapErrors.NotFound;
    }

    private protected override int ReadCore(byte* key, byte* value) => Copy(key, value, removes: false);

    private protected override int TakeCore(byte* key, byte* value) => Copy(key, value, removes: true);

    private static long StrideOf(MapDefinition definition) =>
        sizeof(Trace) + (long)MemlockFormulas.Round8(definition.ValueBytes);

    private static (Int128 Buckets, Int128 Elements) BlocksOf(MapDefinition definition) => (
        MemlockFormulas.PowerOfTwo(definition.Capacity) * sizeof(int),
        (Int128)definition.Capacity * StrideOf(definition));

    private static uint HashOf(ReadOnlySpan<ulong> frames)
    {
        fixed (ulong* first = frames)
        {
            return (uint)(KeyHash.Of((byte*)first, frames.Length * sizeof(ulong), seed: 0) >> 16);
        }
    }

    private int Copy(byte* key, byte* value, bool removes)
    {
        if (key == null) return MapErrors.Invalid;
        uint number = Unsafe.ReadUnaligned<uint>(key);
        lock (_lock)
        {
            if (number > _bucketMask || _buckets[number] == 0) return MapErrors.NotFound;
            int element = _buckets[number];
            long bytes = (long)At(element).FrameCount * _frameBytes;
            Buffer.MemoryCopy(FramesOf(element), value, bytes, bytes);
            new Span<byte>(value + bytes, (int)(Definition.ValueBytes - bytes)).Clear();
            if (!removes) return MapErrors.None;
            Give_NeedsLock(element);
            _buckets[number] = 0;
            return MapErrors.None;
        }
    }

    private bool IsTraceOf_NeedsLock(int element, ReadOnlySpan<ulong> frames)
    {
        if (At(element).FrameCount != frames.Length) return false;
        for (int frame = 0; frame < frames.Length; frame++)
        {
            if (Unsafe.ReadUnaligned<ulong>(AddressOf(element, frame)) != frames[frame]) return false;
        }

        return true;
    }

    private void Fill_NeedsLock(int element, uint hash, ReadOnlySpan<ulong> frames)
    {
        At(element) = new Trace { Hash = hash, FrameCount = frames.Length };
        for (int frame = 0; frame < frames.Length; frame++)
        {
            byte* address = AddressOf(element, frame);
            if (_frameBytes == BuildIdBytes)
            {
                byte* start = FramesOf(element) + (frame * BuildIdBytes);
                Unsafe.InitBlockUnaligned(start, 0, BuildIdBytes);
                Unsafe.WriteUnaligned(start, OnlyAddress);
            }

            Unsafe.WriteUnaligned(address, frames[frame]);
        }
    }

    private void Give_NeedsLock(int element)
    {
        At(element).Next = _free;
        _free = element;
        _count--;
    }

    private ref Trace At(int element) => ref *(Trace*)(_elements + ((element - 1) * _strideBytes));

    private byte* FramesOf(int element) => (byte*)Unsafe.AsPointer(ref At(element)) + sizeof(Trace);

    private byte* AddressOf(int element, int frame) =>
        FramesOf(element) + ((long)frame * _frameBytes) + (_frameBytes == BuildIdBytes ? AddressInBuildId : 0);

    private struct Trace
    {
        public int Next;
        public uint Hash;
        public int FrameCount;
        public int Unused;
    }
}
