using Allot.Maps;

namespace Allot.Bpf;

/// <summary>A function of the host that programs may call by its number.</summary>
/// <param name="number">The number that stands in the call.</param>
/// <param name="name">What it is called in messages.</param>
/// <param name="function">What it does. It runs on the thread of the program, inside of its budget of one instruction,
/// and must check the memory that it is given through the execution.</param>
public sealed class BpfHelper(int number, string name, BpfHelperFunction function)
{
    private readonly ulong _mapTypes = ulong.MaxValue;   // a bit for each

    /// <summary>The number that stands in the call.</summary>
    public int Number { get; } = number;

    /// <summary>What it is called in messages.</summary>
    public string Name { get; } = name ?? throw new ArgumentNullException(nameof(name));

    /// <summary>What it does.</summary>
    public BpfHelperFunction Function { get; } = function ?? throw new ArgumentNullException(nameof(function));

    /// <summary>What it needs in r1, r2 and so on, five at most. What is said of the map, the dynamic pointer or the
    /// number of bytes in another register needs that argument too.</summary>
    public IReadOnlyList<BpfArgument> Arguments { get; init; } = [];

    /// <summary>The types of maps that it works on; empty if on all of them.</summary>
    public IReadOnlyList<MapType> MapTypes
    {
        get;
        init
        {
            field = value;
            _mapTypes = value.Count == 0 ? ulong.MaxValue : value.Aggregate(0ul, static (all, one) => all | BitOf(one));
        }
    } = [];

    /// <summary>Whether the arguments that may be anything may also be left unwritten.</summary>
    internal bool HasOptionalArguments { get; init; }

    /// <summary>How it calls a function of the program.</summary>
    internal BpfCallback Callback { get; init; }

    /// <summary>Whether the engine says where it is in the program, and what is left of the budget.</summary>
    internal bool NeedsFrame => Callback != BpfCallback.None || Pays || ReadsCalls;

    /// <summary>Whether it asks from where the functions were called that are running.</summary>
    internal bool ReadsCalls { get; init; }

    /// <summary>Whether it takes from the budget for the work it does.</summary>
    internal bool Pays { get; init; }

    /// <summary>Whether it copies a value of its map, and takes from the budget for a large one.</summary>
    internal bool CopiesValue { get; init; }

    /// <summary>Whether it finds an element of its map by a key, and takes from the budget for a large one.</summary>
    internal bool TakesKey => Arguments.Contains(BpfArgument.MapKey);

    /// <summary>Whether the memory of the dynamic pointer that it makes must be given back.</summary>
    internal bool Reserves { get; init; }

    /// <summary>Whether it changes elements of its map, which programs may not do with every map.</summary>
    internal bool ChangesMap { get; init; }

    /// <summary>What it leaves in r0.</summary>
    public BpfResult Result { get; init; } = BpfResult.Number;

    /// <summary>Whether it works on maps of a type.</summary>
    internal bool Takes(MapType type) => (_mapTypes & BitOf(type)) != 0;

    /// <summary>Checks that arguments and result go together: the verifier relies on it.</summary>
    /// <exception cref="ArgumentException">One needs another that there is not, or there are too many.</exception>
    internal void Check(string parameter)
    {
        const int ArgumentsMax = 5;
        if (Arguments.Count > ArgumentsMax)
        {
            throw Inconsistent($"has {Arguments.Count} arguments; there are registers for {ArgumentsMax}", parameter);
        }

        for (int index = 0; index < Arguments.Count; index++)
        {
            if (MissingFor(index) is not { } missing) continue;
            throw Inconsistent($"has {Arguments[index]} in r{index + 1} without {missing}", parameter);
        }

        if (MissingForResult() is { } needed) throw Inconsistent($"returns {Result} without {needed}", parameter);
    }

    private string? MissingFor(int index)
    {
        switch (Arguments[index])
        {
            case BpfArgument.MapKey or BpfArgument.MapValue or BpfArgument.MapValueOrNone
                or BpfArgument.MapValueToWrite:
                return Has(BpfArgument.Map, index) ? null : $"a {BpfArgument.Map} before it";
            case BpfArgument.BytesOfSlice:
                return Has(BpfArgument.DynamicPointer, index) ? null : $"a {BpfArgument.DynamicPointer} before it";
            case BpfArgument.MemoryToRead or BpfArgument.MemoryToWrite or BpfArgument.MemoryOfMap:
                bool hasSize = index + 1 < Arguments.Count
                    && Arguments[index + 1] is BpfArgument.Bytes or BpfArgument.BytesOrNone;
                return hasSize ? null : $"{BpfArgument.Bytes} or {BpfArgument.BytesOrNone} after it";
            default:
                return null;
        }
    }

    private string? MissingForResult() => Result switch
    {
        BpfResult.MapValueOrZero when !Has(BpfArgument.Map) => $"a {BpfArgument.Map}",
        BpfResult.ReservedOrZero when !Has(BpfArgument.BytesToReserve) => $"{BpfArgument.BytesToReserve}",
        BpfResult.SliceOrZero when !Has(BpfArgument.BytesOfSlice) => $"{BpfArgument.BytesOfSlice}",
        _ => null,
    };

    private bool Has(BpfArgument argument, int before = int.MaxValue) =>
        Arguments.Take(before).Contains(argument);

    private ArgumentException Inconsistent(string what, string parameter) =>
        new($"The helper {Number}, '{Name}', {what}.", parameter);

    private static ulong BitOf(MapType type) => 1ul << (int)type;
}
