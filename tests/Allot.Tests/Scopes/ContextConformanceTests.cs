using static Allot.AllocationFlags;

namespace Allot.Tests.Scopes;

/// <summary>What the scopes of the kernel do, by the ids of docs/reference/scopes.md: what they permit, and on whom they
/// act.</summary>
public sealed class ContextConformanceTests
{
    private const AllocationRestrictions Nothing = AllocationRestrictions.None;

    private readonly MemoryController _controller = new();

    [Fact]
    public void B01_without_a_scope_a_request_is_what_it_is() => Assert.Equal(Kernel, AllocationContext.Apply(Kernel));

    [Fact]
    public void B02_NoFs_takes_the_file_system_and_leaves_io()
    {
        using ThreadScope scope = AllocationScope.NoFs();
        Assert.Equal(Kernel & ~FileSystem, AllocationContext.Apply(Kernel));
    }

    [Fact]
    public void B03_NoIo_takes_io_and_the_file_system()
    {
        using ThreadScope scope = AllocationScope.NoIo();
        Assert.Equal(AllocationFlags.Reclaim, AllocationContext.Apply(Kernel));
    }

    [Fact]
    public void B04_NoIo_and_NoFs_nest_either_way_and_the_outer_one_stays()
    {
        using (AllocationScope.NoFs())
        {
            using (AllocationScope.NoIo()) Assert.Equal(AllocationFlags.Reclaim, AllocationContext.Apply(Kernel));
            Assert.Equal(Kernel & ~FileSystem, AllocationContext.Apply(Kernel));
        }

        using (AllocationScope.NoIo())
        {
            using (AllocationScope.NoFs()) Assert.Equal(AllocationFlags.Reclaim, AllocationContext.Apply(Kernel));
            Assert.Equal(AllocationFlags.Reclaim, AllocationContext.Apply(Kernel));
        }

        Assert.Equal(Nothing, AllocationContext.Restrictions);
    }

    [Fact]
    public void B05_a_call_can_be_stricter_than_its_scope()
    {
        using ThreadScope scope = AllocationScope.NoFs();
        Assert.Equal(NoIo, AllocationContext.Apply(NoIo));
    }

    [Fact]
    public void B06_NoPin_takes_movable_and_nothing_else()
    {
        using ThreadScope scope = AllocationScope.NoPin();
        Assert.Equal(UserMovable & ~Movable, AllocationContext.Apply(UserMovable));
    }

    [Fact]
    public void B07_requests_that_cannot_wait_are_the_same_in_every_scope()
    {
        using ThreadScope noFs = AllocationScope.NoFs();
        using ThreadScope noIo = AllocationScope.NoIo();
        using ThreadScope noPin = AllocationScope.NoPin();
        using ThreadScope noReclaim = AllocationScope.NoReclaim();
        using ThreadScope noThrow = AllocationScope.NoThrowOnLimit();
        using ThreadScope atomic = AllocationScope.Atomic();
        Assert.Equal(Atomic, AllocationContext.Apply(Atomic));
        Assert.Equal(NoWait, AllocationContext.Apply(NoWait));
    }

    [Fact]
    public void B08_NoReclaim_calls_no_reclaimer_and_passes_the_limit_unless_the_call_says_not_to()
    {
        MemoryGroup group = _controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        var cache = new NeedyReclaimer(group, 1000);
        using ThreadScope scope = AllocationScope.NoReclaim();
        Assert.Equal(Kernel, AllocationContext.Apply(Kernel));
        group.Charge(MemoryKind.User, 10);
        Assert.Equal(1010, group.Memory.CurrentBytes);
        Assert.Equal(1, group.ReadEvents().MemoryForced);
        Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 10, Kernel | NoReserve));
        Assert.False(group.TryCharge(MemoryKind.User, 10, out _));
        Assert.Equal(0, group.Reclaim(10));
        Assert.Equal((1010, 0), (group.Memory.CurrentBytes, cache.Calls));
    }

    // With every set of bits that scopes can leave behind, and in random nests: AllocationFlagsTests.
    [Fact]
    public void B09_a_scope_only_takes_away()
    {
        const AllocationRestrictions All = AllocationRestrictions.NoFs | AllocationRestrictions.NoIo
            | AllocationRestrictions.NoReclaim | AllocationRestrictions.NoPin | AllocationRestrictions.Atomic;
        for (int set = 0; set <= (int)All; set++)
        {
            using ThreadScope scope = AllocationScope.Enter((AllocationRestrictions)set);
            bool isAtomic = ((AllocationRestrictions)set & AllocationRestrictions.Atomic) != 0;
            for (int mask = 0; mask < 1 << 17; mask++)
            {
                var requested = (AllocationFlags)mask;
                if (isAtomic && (requested & MustSucceed) != 0) continue;   // throws: B26
                AllocationFlags added = AllocationContext.Apply(requested) & ~requested;
                if (added != AllocationFlags.None) Assert.Fail($"{requested} in {(AllocationRestrictions)set}: {added}");
            }
        }
    }

    [Fact]
    public void B10_the_same_scope_three_times_holds_until_it_is_left_three_times()
    {
        using (AllocationScope.NoFs())
        {
            using (AllocationScope.NoFs())
            {
                using (AllocationScope.NoFs()) Assert.Equal(AllocationRestrictions.NoFs, AllocationContext.Restrictions);
                Assert.Equal(AllocationRestrictions.NoFs, AllocationContext.Restrictions);
            }

            Assert.Equal(AllocationRestrictions.NoFs, AllocationContext.Restrictions);
        }

        Assert.Equal(Nothing, AllocationContext.Restrictions);
    }

    [Fact]
    public void B11_an_exception_leaves_the_scopes_that_it_passes()
    {
        MemoryGroup group = _controller.Root.CreateChild("g");
        Assert.Throws<InvalidOperationException>(void () =>
        {
            using ThreadScope noIo = AllocationScope.NoIo();
            using ActiveGroupScope active = group.Enter();
            using FlowingScope flowing = FlowingScope.NoPin();
            throw new InvalidOperationException("thrown inside");
        });
        Assert.Equal(Nothing, AllocationContext.Restrictions);
        Assert.Null(AllocationContext.ActiveGroup);
    }

    [Fact]
    public void B12_leaving_out_of_order_throws_and_the_innermost_scope_still_holds()
    {
        ThreadScope outer = AllocationScope.NoFs();
        ThreadScope inner = AllocationScope.NoIo();
        ScopeMisuseException? thrown = null;
        try
        {
            outer.Dispose();
        }
        catch (ScopeMisuseException misuse)
        {
            thrown = misuse;
        }

        Assert.NotNull(thrown);
        Assert.Equal(AllocationRestrictions.NoFs | AllocationRestrictions.NoIo, AllocationContext.Restrictions);
        inner.Dispose();
        Assert.Equal(AllocationRestrictions.NoFs, AllocationContext.Restrictions);
        outer.Dispose();
        Assert.Equal(Nothing, AllocationContext.Restrictions);
    }

    [Fact]
    public void B12_leaving_a_group_out_of_order_throws_and_the_innermost_group_is_still_current()
    {
        MemoryGroup a = _controller.Root.CreateChild("a"), b = _controller.Root.CreateChild("b");
        ActiveGroupScope outer = a.Enter(), inner = b.Enter();
        bool hasThrown = false;
        try
        {
            outer.Dispose();
        }
        catch (ScopeMisuseException)
        {
            hasThrown = true;
        }

        Assert.True(hasThrown);
        Assert.Equal(b, MemoryGroup.Current);
        inner.Dispose();
        Assert.Equal(a, MemoryGroup.Current);
        outer.Dispose();
        Assert.Null(MemoryGroup.Current);
    }

    [Fact]
    public void B13_leaving_twice_and_leaving_nothing_do_nothing()
    {
        default(ThreadScope).Dispose();
        default(ActiveGroupScope).Dispose();
        using ThreadScope outer = AllocationScope.NoPin();
        ThreadScope scope = AllocationScope.NoFs(), copy = scope, another = scope;
        scope.Dispose();
        scope.Dispose();
        copy.Dispose();   // its token is of nobody who is open
        Assert.Equal(AllocationRestrictions.NoPin, AllocationContext.Restrictions);
        using (AllocationScope.NoIo())
        {
            Exception? thrown = null;
            try
            {
                scope.Dispose();     // knows that it was left
                another.Dispose();   // does not: the token could be of who is open around the innermost
            }
            catch (ScopeMisuseException misuse)
            {
                thrown = misuse;
            }

            Assert.NotNull(thrown);
            Assert.Equal(
                AllocationRestrictions.NoPin | AllocationRestrictions.NoIo, AllocationContext.Restrictions);
        }

        FlowingScope flowing = FlowingScope.NoIo();
        flowing.Dispose();
        flowing.Dispose();
        Assert.Equal(AllocationRestrictions.NoPin, AllocationContext.Restrictions);
    }

    // A ref struct gets to another thread only by a trick.
    [Fact]
    public unsafe void B14_leaving_on_another_thread_throws_and_changes_neither()
    {
        ThreadScope scope = AllocationScope.NoFs();
        nint smuggled = (nint)(&scope);
        Exception? thrown = null;
        AllocationRestrictions there = default;
        var thread = new Thread(() =>
        {
            using ThreadScope own = AllocationScope.NoIo();
            thrown = Record.Exception(() => ((ThreadScope*)smuggled)->Dispose());
            there = AllocationContext.Restrictions;
        });
        thread.UnsafeStart();
        thread.Join();
        Assert.IsType<ScopeMisuseException>(thrown);
        Assert.Equal(AllocationRestrictions.NoIo, there);
        Assert.Equal(AllocationRestrictions.NoFs, AllocationContext.Restrictions);
        scope.Dispose();
        Assert.Equal(Nothing, AllocationContext.Restrictions);
    }

    // What is by reference like cannot live across an await, which GuardsAcrossAwaitTests show by compiling.
    [Fact]
    public void B15_guards_of_a_thread_cannot_cross_an_await()
    {
        Assert.True(typeof(ThreadScope).IsByRefLike);
        Assert.True(typeof(ActiveGroupScope).IsByRefLike);
        Assert.True(typeof(ScopedLock.Holder).IsByRefLike);
        Assert.True(typeof(ScopedReaderWriterLock.Holder).IsByRefLike);
    }

    [Fact]
    public void B22_the_active_group_is_charged_it_nests_and_only_accounted_requests_are_charged()
    {
        MemoryGroup a = _controller.Root.CreateChild("a");
        MemoryGroup b = _controller.Root.CreateChild("b");
        MemoryGroup c = _controller.Root.CreateChild("c");
        using (a.Enter())
        {
            using (b.Enter())
            {
                Assert.Equal(b, AmbientCharging.Charge(MemoryKind.User, 10));
                Assert.Null(AmbientCharging.Charge(MemoryKind.User, 10, Kernel));   // not accounted
                using (c.Enter()) Assert.Equal(c, AmbientCharging.Charge(MemoryKind.Kernel, 20));
                Assert.Equal(b, MemoryGroup.Current);
            }

            Assert.Equal(a, MemoryGroup.Current);
            Assert.True(AmbientCharging.TryCharge(MemoryKind.User, 40, out MemoryGroup? payer, out _));
            Assert.Equal(a, payer);
        }

        Assert.Null(MemoryGroup.Current);
        Assert.Equal((40, 10, 20), (a.Memory.CurrentBytes, b.Memory.CurrentBytes, c.Kernel.CurrentBytes));
        Assert.Equal(70, _controller.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void B23_nobody_and_the_root_can_be_the_active_group()
    {
        MemoryGroup a = _controller.Root.CreateChild("a");
        using ActiveGroupScope outer = a.Enter();
        using (AllocationScope.ActiveGroup(null))
        {
            Assert.Null(AmbientCharging.Charge(MemoryKind.User, 10));
            Assert.Null(AmbientCharging.Hold(MemoryKind.User, 10));
            Assert.True(AmbientCharging.TryCharge(MemoryKind.User, 10, out MemoryGroup? payer, out _));
            Assert.Null(payer);
        }

        using (_controller.Root.Enter()) Assert.Equal(_controller.Root, AmbientCharging.Charge(MemoryKind.User, 10));
        Assert.Equal((0, 10), (a.Memory.CurrentBytes, _controller.Root.Memory.CurrentBytes));
        Assert.Equal(a, MemoryGroup.Current);
    }

    [Fact]
    public void B24_the_nearest_living_group_above_a_removed_one_is_charged()
    {
        MemoryGroup parent = _controller.Root.CreateChild("p");
        MemoryGroup child = parent.CreateChild("c");
        using ActiveGroupScope active = child.Enter();
        AmbientCharging.Charge(MemoryKind.User, 10);
        child.Remove();
        Assert.Equal(parent, MemoryGroup.Current);
        Assert.Equal(parent, AmbientCharging.Charge(MemoryKind.User, 5));
        using MemoryCharge? held = AmbientCharging.Hold(MemoryKind.Kernel, 3);
        Assert.Equal(parent, held!.Group);
        Assert.Equal(18, parent.Memory.CurrentBytes);
        parent.Remove();
        Assert.Equal(_controller.Root, AmbientCharging.Charge(MemoryKind.User, 1));
        Assert.Equal(19, _controller.Root.Memory.CurrentBytes);
    }
}
