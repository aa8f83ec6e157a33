using Allot.Maps;

namespace Allot.Bpf;

/// <summary>A program with everything that it refers to: helpers, maps, functions.</summary>
internal sealed class LinkedProgram
{
    public required BpfCode Code { get; init; }

    /// <summary>With the registers' contents for maps, indices of helpers and costs of calls filled in.</summary>
    public required BpfOperation[] Operations { get; init; }

    public required GroupMap[] Maps { get; init; }

    public required BpfHelper[] Helpers { get; init; }

    /// <summary>Where each helper is in that list, by its number; null where nothing is called through a register.
    /// </summary>
    public required IReadOnlyDictionary<int, int>? HelpersByNumber { get; init; }

    /// <summary>What the verifier has found; null when it was not asked.</summary>
    public required VerifierResult? Verified { get; init; }

    /// <exception cref="BpfRefusedException">Something is not there, or not proven.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit refused what the verifier needs.</exception>
    public static unsafe LinkedProgram Link(BpfCode code, BpfProgramOptions options, MemoryCharge scratch)
    {
        Dictionary<int, BpfHelper> known = HelpersOf(options);
        VerifierResult? verified = null;
        if (options.Verification == BpfVerification.Full)
        {
            verified = BpfVerifier.Verify(code, new VerifierInput
            {
                Maps = [.. options.Maps.Select(map => map.Definition)],
                Helpers = known,
                MemoryBytesMin = options.MemoryBytesMin,
                VisitedMax = options.VerificationBudget,
                Scratch = scratch,
            });
        }

        if (verified is null) RefuseCasts(code);
        var large = new LargeParts(
            options.Maps.Any(static map => HasLargeKeys(map.Definition)),
            options.Maps.Any(static map => HasLargeValues(map.Definition)));
        bool callsRegisters = code.Operations.Any(static one => one.Op == BpfOp.CallRegister);
        List<BpfHelper> helpers = callsRegisters ? [.. known.Values] : [];
        BpfOperation[] operations = [.. code.Operations];
        for (int index = 0; index < operations.Length; index++)
        {
            BpfOperation one = operations[index];
            (int offset, long number) = one.Op switch
            {
                BpfOp.CallLocal => (one.Offset, code.LengthOf(code.FunctionOf(one.Offset))),
                BpfOp.CallHelper => HelperOf(code, index, helpers, known, large),
                BpfOp.LoadFunction => (0, (long)(BpfExecution.FunctionBase + (ulong)code.FunctionOf(one.Offset))),
                BpfOp.LoadMap => (0, (long)(BpfExecution.MapBase + (ulong)MapIndex(code, index, options))),
                BpfOp.LoadMapValue => (0, AddressOf(code, index, options)),
                _ => (one.Offset, one.Number),
            };
            BpfOp op = one.Op;
            if (verified?.Places[index].Kind == RegisterKind.Arena)
            {
                offset = ArenaAccess.Pack(op, offset);
                op = BpfOp.Arena;
            }
            else if (verified is not null && verified.ComputesInArena[index] && !op.Is32())
            {
                op = op.Plus(1);
            }

            operations[index] = new BpfOperation(op, one.Destination, one.Source, offset, number);
        }

        return new LinkedProgram
        {
            Code = code,
            Operations = operations,
            Maps = [.. options.Maps],
            Helpers = [.. helpers],
            HelpersByNumber = callsRegisters ? ByNumber(helpers) : null,
            Verified = verified,
        };
    }

    /// <summary>The helpers by their numbers; those of the host come before those of the same number.</summary>
    public static Dictionary<int, BpfHelper> HelpersOf(BpfProgramOptions options)
    {
        Dictionary<int, BpfHelper> known = BpfHelpers.Standard.ToDictionary(helper => helper.Number);
        foreach (BpfHelper helper in options.Helpers)
        {
            helper.Check(nameof(options));   // again: the list may have changed since it was set
            known[helper.Number] = helper;
        }

        return known;
    }

    private static Dictionary<int, int> ByNumber(List<BpfHelper> helpers)
    {
        var byNumber = new Dictionary<int, int>();
        for (int index = 0; index < helpers.Count; index++) byNumber.Add(helpers[index].Number, index);
        return byNumber;
    }

    private static bool HasLargeValues(MapDefinition map) =>
        (map.InnerMap ?? map).ValueBytes > BpfExecution.LargeBytes;

    private static bool HasLargeKeys(MapDefinition map) =>
        int.Max(map.KeyBytes, map.InnerMap?.KeyBytes ?? 0) > BpfExecution.LargeBytes;

    // Its index, and 1 if it needs to know what the engine is doing.
    private static (int Index, long NeedsFrame) HelperOf(
        BpfCode code, int at, List<BpfHelper> used, Dictionary<int, BpfHelper> known, LargeParts large)
    {
        int number = (int)code.Operations[at].Number;
        if (!known.TryGetValue(number, out BpfHelper? helper)) throw code.Refuse(at, $"there is no helper {number}");
        int index = used.IndexOf(helper);
        if (index < 0)
        {
            index = used.Count;
            used.Add(helper);
        }

        bool pays = helper.NeedsFrame || (large.Values && helper.CopiesValue) || (large.Keys && helper.TakesKey);
        return (index, pays ? 1 : 0);
    }

    private static void RefuseCasts(BpfCode code)
    {
        int cast = Array.FindIndex(code.Operations, static one => one.Op.IsCast());
        if (cast < 0) return;
        throw code.Refuse(cast, "which registers hold an address in an arena is known of verified programs only");
    }

    private static int MapIndex(BpfCode code, int at, BpfProgramOptions options)
    {
        int map = code.Operations[at].Offset;
        if ((uint)map < (uint)options.Maps.Count) return map;
        throw code.Refuse(at, $"there is no map {map}, of {options.Maps.Count} that there are");
    }

    private static unsafe long AddressOf(BpfCode code, int at, BpfProgramOptions options)
    {
        long offset = code.Operations[at].Number;
        GroupMap map = options.Maps[MapIndex(code, at, options)];
        if (map is ArenaMap arena && offset < arena.Definition.Capacity * ArenaMap.PageBytes)
        {
            return (long)arena.Start + offset;
        }

        if (map is not ArrayMap array || offset >= array.ValuesBytes)
        {
            throw code.Refuse(at, $"'{map.Definition.Name}' has no value with a byte {offset} at a constant address");
        }

        return (long)array.Values + offset;
    }

    // What some map of the program has, so that helpers that go through it take from the budget.
    private readonly record struct LargeParts(bool Keys, bool Values);
}
