using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Programs;

/// <summary>Helpers of the host whose arguments do not go together are refused where they are registered.</summary>
public sealed class HostHelperTests
{
    public static TheoryData<BpfArgument[], BpfResult, string> Inconsistent => new()
    {
        { [BpfArgument.MapKey], BpfResult.Number, "has MapKey in r1 without a Map before it" },
        { [BpfArgument.MapKey, BpfArgument.Map], BpfResult.Number, "has MapKey in r1 without a Map before it" },
        { [BpfArgument.Number, BpfArgument.MapValue], BpfResult.Number, "has MapValue in r2 without a Map before it" },
        { [BpfArgument.MapValueOrNone], BpfResult.Number, "has MapValueOrNone in r1 without a Map before it" },
        { [BpfArgument.MapValueToWrite], BpfResult.Number, "has MapValueToWrite in r1 without a Map before it" },
        { [BpfArgument.BytesOfSlice], BpfResult.Number, "has BytesOfSlice in r1 without a DynamicPointer before it" },
        { [BpfArgument.MemoryToRead], BpfResult.Number, "has MemoryToRead in r1 without Bytes or BytesOrNone after it" },
        {
            [BpfArgument.Map, BpfArgument.MemoryToWrite, BpfArgument.Number], BpfResult.Number,
            "has MemoryToWrite in r2 without Bytes or BytesOrNone after it"
        },
        { [BpfArgument.MemoryOfMap], BpfResult.Number, "has MemoryOfMap in r1 without Bytes or BytesOrNone after it" },
        {
            [.. Enumerable.Repeat(BpfArgument.Number, 6)], BpfResult.Number,
            "has 6 arguments; there are registers for 5"
        },
        { [BpfArgument.Number], BpfResult.MapValueOrZero, "returns MapValueOrZero without a Map" },
        { [], BpfResult.ReservedOrZero, "returns ReservedOrZero without BytesToReserve" },
        { [BpfArgument.DynamicPointer], BpfResult.SliceOrZero, "returns SliceOrZero without BytesOfSlice" },
    };

    [Theory, MemberData(nameof(Inconsistent))]
    public void What_does_not_go_together_is_refused_and_named(BpfArgument[] arguments, BpfResult result, string what)
    {
        BpfHelper helper = Helper(arguments, result);
        var options = new BpfProgramOptions();
        var refused = Assert.Throws<ArgumentException>(() => options.Helpers = [helper]);
        Assert.StartsWith($"The helper 900, 'mine', {what}.", refused.Message, StringComparison.Ordinal);
        Assert.Empty(options.Helpers);

        // And where the list is changed afterwards.
        List<BpfHelper> helpers = [];
        options.Helpers = helpers;
        helpers.Add(helper);
        MemoryGroup group = new MemoryController().Root;
        Assert.Throws<ArgumentException>(
            () => BpfProgram.Load(group, new Asm().Call(900).Move(0, 0).Exit().Bytes(), options));
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void All_that_go_together_are_accepted()
    {
        _ = new BpfProgramOptions
        {
            Helpers =
            [
                .. BpfHelpers.Standard,
                Helper([.. Enumerable.Repeat(BpfArgument.Anything, 5)], BpfResult.Nothing),
                Helper([BpfArgument.Number, BpfArgument.Map, BpfArgument.MapKey], BpfResult.MapValueOrZero),
                Helper([BpfArgument.MemoryToRead, BpfArgument.Bytes, BpfArgument.MemoryToWrite, BpfArgument.BytesOrNone]),
                Helper([BpfArgument.Context, BpfArgument.BytesToReserve], BpfResult.ReservedOrZero),
            ],
        };
    }

    [Fact]
    public void Names_and_functions_are_needed()
    {
        Assert.Throws<ArgumentNullException>("name", () => new BpfHelper(1, null!, static (_, _, _, _, _, _) => 0));
        Assert.Throws<ArgumentNullException>("function", () => new BpfHelper(1, "none", null!));
        Assert.Throws<ArgumentNullException>("value", () => new BpfProgramOptions().Helpers = null!);
    }

    private static BpfHelper Helper(BpfArgument[] arguments, BpfResult result = BpfResult.Number) =>
        new(900, "mine", static (_, _, _, _, _, _) => 0) { Arguments = arguments, Result = result };
}
