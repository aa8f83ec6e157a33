using Allot.Testing;
using static Allot.AllocationFlags;

namespace Allot.Tests.Scopes;

/// <summary>The rules by which a request and a context meet.</summary>
public sealed class AllocationFlagsTests
{
    private const AllocationFlags All = (AllocationFlags)((1 << 17) - 1);

    // The scopes that take permissions away, as bits of AllocationRestrictions.
    private static readonly AllocationRestrictions[] s_restrictions =
    [
        AllocationRestrictions.NoFs, AllocationRestrictions.NoIo, AllocationRestrictions.NoReclaim,
        AllocationRestrictions.NoPin, AllocationRestrictions.Atomic, AllocationRestrictions.NoThrowOnLimit,
    ];

    [Fact]
    public void Composites_are_those_of_the_field()
    {
        Assert.Equal(DirectReclaim | BackgroundReclaim, AllocationFlags.Reclaim);
        Assert.Equal(AllocationFlags.Reclaim | Io | FileSystem, Kernel);
        Assert.Equal(Kernel | Account, KernelAccount);
        Assert.Equal(High | BackgroundReclaim, Atomic);
        Assert.Equal(BackgroundReclaim | NoWarn, NoWait);
        Assert.Equal(AllocationFlags.Reclaim, NoIo);
        Assert.Equal(AllocationFlags.Reclaim | Io, NoFs);
        Assert.Equal(Kernel | UserVisible, User);
        Assert.Equal(User | Movable, UserMovable);
    }

    [Fact]
    public void Every_flag_is_a_bit_of_its_own()
    {
        AllocationFlags[] single =
            [.. Enum.GetValues<AllocationFlags>().Where(flag => int.PopCount((int)flag) == 1).Distinct()];
        Assert.Equal(17, single.Length);
        Assert.Equal(All, single.Aggregate((a, b) => a | b));
    }

    // What the kernel's one function does with a mask in each context; the last two rows are ours.
    [Theory]
    [InlineData(AllocationRestrictions.None, None)]
    [InlineData(AllocationRestrictions.NoIo, Io | FileSystem)]
    [InlineData(AllocationRestrictions.NoIo | AllocationRestrictions.NoFs, Io | FileSystem)]
    [InlineData(AllocationRestrictions.NoFs, FileSystem)]
    [InlineData(AllocationRestrictions.NoPin, Movable)]
    [InlineData(AllocationRestrictions.NoPin | AllocationRestrictions.NoFs, Movable | FileSystem)]
    [InlineData(AllocationRestrictions.NoReclaim, None)]
    [InlineData(AllocationRestrictions.Atomic, DirectReclaim | Io | FileSystem)]
    [InlineData(AllocationRestrictions.NoThrowOnLimit | AllocationRestrictions.BlockAccounting, None)]
    public void The_rule_table(AllocationRestrictions context, AllocationFlags removed)
    {
        for (int mask = 0; mask <= (int)All; mask++)
        {
            var requested = (AllocationFlags)mask;
            bool isConflict = (context & AllocationRestrictions.Atomic) != 0 && (requested & MustSucceed) != 0;
            if (!isConflict) Assert.Equal(requested & ~removed, AllocationContext.Apply(requested, context));
        }
    }

    [Fact]
    public void For_every_mask_and_every_set_of_scopes_nothing_is_permitted_that_was_not_requested()
    {
        for (int context = 0; context < 256; context++)
        {
            var restrictions = (AllocationRestrictions)context;
            for (int mask = 0; mask <= (int)All; mask++)
            {
                var requested = (AllocationFlags)mask;
                bool isConflict = (restrictions & AllocationRestrictions.Atomic) != 0 && (requested & MustSucceed) != 0;
                if (isConflict) continue;
                AllocationFlags effective = AllocationContext.Apply(requested, restrictions);
                if ((effective & ~requested) != 0) Assert.Fail($"{requested} in {restrictions} became {effective}");
            }
        }
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void In_every_nest_of_scopes_inner_scopes_permit_no_more_than_outer_ones(int seed)
    {
        var random = new Prng((ulong)seed);
        for (int round = 0; round < 2_000; round++) Nest(random, depth: 0, random.Below(9));
        Assert.Equal(AllocationRestrictions.None, AllocationContext.Restrictions);
    }

    [Fact]
    public void What_must_succeed_is_an_error_in_every_nest_that_has_atomic_in_it()
    {
        using ThreadScope atomic = AllocationScope.Atomic();
        using ThreadScope inner = AllocationScope.NoReclaim();
        Assert.Throws<MustSucceedInAtomicException>(() => AllocationContext.Apply(Kernel | MustSucceed));
    }

    private static void Nest(Prng random, int depth, int deepest)
    {
        var requested = (AllocationFlags)random.Below((int)All + 1) & ~MustSucceed;
        AllocationFlags before = AllocationContext.Apply(requested);
        AllocationRestrictions restrictionsBefore = AllocationContext.Restrictions;
        if (depth < deepest)
        {
            AllocationRestrictions entered = random.Pick(s_restrictions);
            bool isFlowing = random.OneIn(4) && entered <= AllocationRestrictions.NoPin;
            if (isFlowing)
            {
                using FlowingScope scope = EnterFlowing(entered);
                CheckInside(entered);
            }
            else
            {
                using ThreadScope scope = AllocationScope.Enter(entered);
                CheckInside(entered);
            }
        }

        Assert.Equal(before, AllocationContext.Apply(requested));
        Assert.Equal(restrictionsBefore, AllocationContext.Restrictions);

        void CheckInside(AllocationRestrictions entered)
        {
            AllocationFlags inside = AllocationContext.Apply(requested);
            Assert.Equal(AllocationFlags.None, inside & ~before);
            Assert.Equal(restrictionsBefore | entered, AllocationContext.Restrictions);
            Nest(random, depth + 1, deepest);
        }
    }

    private static FlowingScope EnterFlowing(AllocationRestrictions restriction) => restriction switch
    {
        AllocationRestrictions.NoFs => FlowingScope.NoFs(),
        AllocationRestrictions.NoIo => FlowingScope.NoIo(),
        AllocationRestrictions.NoReclaim => FlowingScope.NoReclaim(),
        _ => FlowingScope.NoPin(),
    };
}
