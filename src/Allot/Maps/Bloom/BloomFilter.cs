// Bits, and for each value as many of them as there are hash functions. The functions are two halves of one hash: the
// first, and steps of the second from there (Kirsch and Mitzenmacher, "Less hashing, same performance"). The second is
// odd, so that the steps do not come back to a bit early.
//
// Bits are only ever set, each by one atomic operation: no lock. Who asks while a value is added may see it or not; who
// asks afterwards sees it.

namespace Allot.Maps;

/// <summary>A set that can be asked whether it has a value: it may say yes by mistake, and never no. Nothing can be
/// removed, and it is never full, only less and less exact.</summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed unsafe class BloomFilter : GroupMap
{
    private const int FunctionsByDefault = 5;
    private const int BitsPerWord = 64;

    private readonly ulong _bitMask;
    private readonly ulong _seed;
    private readonly int _functions;
    private readonly ulong* _words;
    private long _count;

    /// <summary>Makes the filter and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has no bytes, a value has at least one. The capacity is how many values it is
    /// dimensioned for; the lowest 4 bits of <see cref="MapDefinition.MapExtra"/> are the number of hash functions, 5
    /// if they are 0.</param>
    /// <exception cref="MapRefusedException">The definition is none of a Bloom filter.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public BloomFilter(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        Int128 bits = BitsOf(definition);
        int functions = (int)(definition.MapExtra & 0xf);
        _functions = functions == 0 ? FunctionsByDefault : functions;
        _bitMask = (ulong)bits - 1;
        _seed = KeyHash.SeedFor(definition);
        _words = (ulong*)Memory.Allocate(definition, bits / 8);
    }

    /// <summary>How many values were added that it had not had, as far as it can tell.</summary>
    public override long Count => Interlocked.Read(ref _count);

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        MapFootprint.Fixed(BitsOf(definition) / 8);

    /// <summary>Adds a value.</summary>
    /// <param name="value">The bytes of the value.</param>
    /// <param name="flags">0.</param>
    /// <returns>0, or -22 (EINVAL) for other flags.</returns>
    public override int Push(byte* value, ulong flags)
    {
        if (flags != MapErrors.Any) return MapErrors.Invalid;
        ulong hash = HashOf(value);
        ulong step = StepOf(hash);
        bool isNew = false;
        for (int function = 0; function < _functions; function++, hash += step) isNew |= Set(hash & _bitMask);
        if (isNew) Interlocked.Increment(ref _count);
        return MapErrors.None;
    }

    /// <summary>Asks for a value.</summary>
    /// <param name="value">The bytes of the value.</param>
    /// <returns>0 when it was added, or seems so; -2 (ENOENT) when it was not.</returns>
    public override int Peek(byte* value)
    {
        ulong hash = HashOf(value);
        ulong step = StepOf(hash);
        for (int function = 0; function < _functions; function++, hash += step)
        {
            ulong bit = hash & _bitMask;
            if ((Volatile.Read(ref _words[bit / BitsPerWord]) & (1UL << (int)(bit % BitsPerWord))) == 0)
            {
                return MapErrors.NotFound;
            }
        }

        return MapErrors.None;
    }

    /// <summary>Nothing can be taken out.</summary>
    /// <param name="value">Anything.</param>
    /// <returns>-95 (EOPNOTSUPP).</returns>
    public override int Pop(byte* value) => MapErrors.NotOfThisKind;

    /// <summary>A filter holds no values.</summary>
    /// <param name="key">Anything.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags) => MapErrors.Invalid;

    /// <inheritdoc/>
    public override int Delete(byte* key) => key != null ? MapErrors.Invalid : MapErrors.NotOfThisKind;

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next) =>
        key != null ? MapErrors.Invalid : MapErrors.NotOfThisKind;

    private protected override int ReadCore(byte* key, byte* value) => key != null ? MapErrors.Invalid : Peek(value);

    private protected override int WriteCore(byte* key, byte* value, ulong flags) =>
        key != null ? MapErrors.Invalid : Push(value, flags);

    private protected override int TakeCore(byte* key, byte* value) =>
        key != null ? MapErrors.Invalid : MapErrors.NotSupported;

    // A whole word at least. The limit of the formula is one less than a power of two.
    private static Int128 BitsOf(MapDefinition definition) =>
        Int128.Max(BitsPerWord, MemlockFormulas.PowerOfTwo(MemlockFormulas.BloomBits(definition)));

    private ulong HashOf(byte* value) => KeyHash.Of(value, (int)Definition.ValueBytes, _seed);

    private static ulong StepOf(ulong hash) => (hash >> 32) | 1;

    private bool Set(ulong bit)
    {
        ref ulong word = ref _words[bit / BitsPerWord];
        ulong mask = 1UL << (int)(bit % BitsPerWord);
        return (Volatile.Read(ref word) & mask) == 0 && (Interlocked.Or(ref word, mask) & mask) == 0;
    }
}
