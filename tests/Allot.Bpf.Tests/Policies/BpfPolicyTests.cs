using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Policies;

/// <summary>Programs that decide for groups, with both engines.</summary>
public sealed class BpfPolicyTests : IDisposable
{
    private const int Current = 32, Limit = 40, Group = 8, Requester = 16, Bytes = 24, DelayAt = 48;

    private readonly MemoryController _controller = new(options: new() { HighDelayMax = TimeSpan.FromMilliseconds(1) });
    private readonly MemoryGroup _host;
    private readonly MemoryGroup _middle;
    private readonly MemoryGroup _leaf;
    private readonly List<IDisposable> _owned = [];

    public BpfPolicyTests()
    {
        _host = _controller.Root.CreateChild("host");
        _middle = _controller.Root.CreateChild("a");
        _leaf = _middle.CreateChild("b");
    }

    public static TheoryData<BpfEngine> Both => [.. Engines.All];

    public void Dispose()
    {
        _owned.Reverse();
        foreach (IDisposable owned in _owned) owned.Dispose();
        Assert.Equal(0, _host.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Both))]
    public void A_program_makes_room_by_killing_the_largest_group_that_it_has_seen(BpfEngine engine)
    {
        // Remembers the group with the largest charge in an array, and kills it when memory runs out.
        _controller.Root.Memory.MaxBytes = 1 << 20;
        GroupMap largest = Own(BpfMaps.Create(_host, new MapDefinition
        {
            Name = "largest",
            Type = MapType.Array,
            KeyBytes = 4,
            ValueBytes = 16,
            Capacity = 1,
        }));
        byte[] charged = new Asm()
            .MapValue(6, 0, 0)
            .Register(BpfOp.Load64, 2, 1, Bytes)
            .Register(BpfOp.Load64, 3, 6, 8)
            .IfRegister(BpfOp.Jle64, 2, 3, "less")
            .Register(BpfOp.Load64, 4, 1, Group)
            .Register(BpfOp.Store64, 6, 4, 0)
            .Register(BpfOp.Store64, 6, 2, 8)
            .Label("less")
            .Move(0, 0)
            .Exit()
            .Bytes();
        byte[] outOfMemory = new Asm()
            .MapValue(6, 0, 0)
            .Register(BpfOp.Load64, 1, 6, 0)
            .Call(1003)
            .Move(0, 1)
            .Exit()
            .Bytes();
        Own(_controller.Root.Attach(new BpfPolicy
        {
            Charged = Load(charged, engine, largest),
            OutOfMemory = Load(outOfMemory, engine, largest),
        }));
        MemoryGroup hog = _middle.CreateChild("hog");
        MemoryCharge held = hog.Hold(MemoryKind.User, 700_000);
        hog.Killed.Register(held.Dispose);
        _leaf.Charge(MemoryKind.User, 100_000);
        _leaf.Charge(MemoryKind.User, 500_000);
        Assert.Equal(MemoryGroupState.Killed, hog.State);
        Assert.Contains("program", hog.KillReason, StringComparison.Ordinal);
        Assert.Equal((600_000, 0), (_leaf.Memory.CurrentBytes, hog.Memory.CurrentBytes));
        _leaf.Uncharge(MemoryKind.User, 600_000);
    }

    [Theory, MemberData(nameof(Both))]
    public void The_context_has_every_field_in_its_place(BpfEngine engine)
    {
        GroupMap seen = Own(BpfMaps.Create(_host, new MapDefinition
        {
            Name = "seen",
            Type = MapType.Array,
            KeyBytes = 4,
            ValueBytes = BpfPolicyContext.Bytes,
            Capacity = 1,
        }));
        var copy = new Asm().MapValue(6, 0, 0);
        for (int at = 0; at < BpfPolicyContext.Bytes; at += 8)
        {
            copy.Register(BpfOp.Load64, 2, 1, at).Register(BpfOp.Store64, 6, 2, at);
        }

        copy.Move(0, 0).Exit();
        Own(_middle.Attach(new BpfPolicy { Charged = Load(copy.Bytes(), engine, seen) }));
        _leaf.Memory.MaxBytes = 5_000;
        _leaf.Kernel.MaxBytes = 4_000;
        _leaf.Charge(MemoryKind.User, 100);
        _leaf.Charge(MemoryKind.Kernel, 77);
        Assert.Equal((uint)PolicyPoint.Charged, BitConverter.ToUInt32(Read(), 0));
        Assert.Equal((uint)CounterKind.Kernel, BitConverter.ToUInt32(Read(), 4));
        Assert.Equal(BpfPolicyContext.NumberOf(_leaf), BitConverter.ToUInt64(Read(), Group));
        Assert.Equal(BpfPolicyContext.NumberOf(_leaf), BitConverter.ToUInt64(Read(), Requester));
        Assert.Equal(77, BitConverter.ToInt64(Read(), Bytes));
        Assert.Equal(77, BitConverter.ToInt64(Read(), Current));
        Assert.Equal(4_000, BitConverter.ToInt64(Read(), Limit));
        Assert.Equal(0, BitConverter.ToInt64(Read(), DelayAt));
        Assert.Equal(BpfPolicyContext.NumberOf(_middle), BitConverter.ToUInt64(Read(), 56));

        unsafe byte[] Read()
        {
            int key = 0;
            return new Span<byte>(seen.Lookup((byte*)&key), BpfPolicyContext.Bytes).ToArray();
        }
    }

    [Theory, MemberData(nameof(Both))]
    public void A_program_protects_a_group_from_reclaim(BpfEngine engine)
    {
        // r0 = the group uses less than 4096 bytes
        byte[] small = new Asm()
            .Register(BpfOp.Load64, 2, 1, Current)
            .Move(0, 1)
            .If(BpfOp.Jlt64, 2, 4096, "end")
            .Move(0, 0)
            .Label("end")
            .Exit()
            .Bytes();
        Own(_middle.Attach(new BpfPolicy { BelowMin = Load(small, engine) }));
        var cache = new Cache(_leaf, 4095);
        Assert.Equal(0, _middle.Reclaim(10_000));
        cache.Grow(1);
        Assert.InRange(_middle.Reclaim(10_000), 1, 4096);
        cache.Reclaim(_leaf, long.MaxValue);
    }

    [Theory, MemberData(nameof(Both))]
    public void A_program_that_runs_out_of_its_budget_is_counted_and_the_default_is_done(BpfEngine engine)
    {
        byte[] endless = new Asm().Move(0, 0).Label("again").Number(BpfOp.Add64, 0, 1).Jump("again").Bytes();
        BpfProgram program = Own(BpfProgram.Load(_host, endless, new BpfProgramOptions
        {
            Engine = engine,
            Verification = BpfVerification.Structure,
            InstructionBudget = 1_000,
        }));
        _middle.Memory.MaxBytes = 10_000;
        Own(_middle.Attach(new BpfPolicy { OutOfMemory = program, Charged = program, BelowLow = program }));
        _leaf.Charge(MemoryKind.User, 9_000);
        Assert.Throws<MemoryLimitExceededException>(() => _leaf.Charge(MemoryKind.User, 9_000));
        Assert.Equal(2, _middle.ReadLocalEvents().PolicyErrors);
        Assert.Equal(9_000, _leaf.Memory.CurrentBytes);
        _leaf.Uncharge(MemoryKind.User, 9_000);
    }

    [Theory, MemberData(nameof(Both))]
    public void A_program_sees_and_kills_nothing_outside_of_its_group(BpfEngine engine)
    {
        MemoryGroup outside = _controller.Root.CreateChild("outside");
        byte[] kill = new Asm()
            .Constant(1, BpfPolicyContext.NumberOf(outside))
            .Call(1003)
            .Copy(6, 0)
            .Constant(1, BpfPolicyContext.NumberOf(outside))
            .Move(2, 0)
            .Call(1001)
            .IfRegister(BpfOp.Jne64, 0, 6, "differ")
            .Move(0, 1)
            .Exit()
            .Label("differ")
            .Move(0, 2)
            .Exit()
            .Bytes();
        Own(_middle.Attach(new BpfPolicy { OutOfMemory = Load(kill, engine) }));
        _middle.Memory.MaxBytes = 100;
        _leaf.Charge(MemoryKind.User, 50);
        Assert.Throws<MemoryLimitExceededException>(() => _leaf.Charge(MemoryKind.User, 60));
        Assert.Equal(MemoryGroupState.Online, outside.State);
        _leaf.Uncharge(MemoryKind.User, 50);
        Assert.Equal(0, _middle.ReadLocalEvents().PolicyErrors);
    }

    [Fact]
    public void A_program_for_more_memory_than_the_context_is_not_attached()
    {
        BpfProgram program = Own(BpfProgram.Load(
            _host, new Asm().Move(0, 0).Exit().Bytes(), new BpfProgramOptions { MemoryBytesMin = 65 }));
        Assert.Throws<ArgumentException>(() => _middle.Attach(new BpfPolicy { Charged = program }));
    }

    [Fact]
    public void A_number_is_given_to_one_group_only_and_goes_with_it()
    {
        ulong first = BpfPolicyContext.NumberOf(_leaf);
        Assert.Equal(first, BpfPolicyContext.NumberOf(_leaf));
        Assert.NotEqual(first, BpfPolicyContext.NumberOf(_middle));
        Assert.True(MapHandles.TryFind((uint)first, out MemoryGroup? found));
        Assert.Same(_leaf, found);
    }

    private BpfProgram Load(byte[] program, BpfEngine engine, params IReadOnlyList<GroupMap> maps) =>
        Own(BpfProgram.Load(_host, program, new BpfProgramOptions
        {
            Engine = engine,
            Maps = maps,
            Helpers = BpfPolicyHelpers.All,
            MemoryBytesMin = BpfPolicyContext.Bytes,
        }));

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private sealed class Cache : IReclaimer
    {
        private readonly MemoryGroup _group;
        private long _bytes;

        public Cache(MemoryGroup group, long bytes)
        {
            _group = group;
            Grow(bytes);
            group.Register(this);
        }

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public void Grow(long bytes)
        {
            _group.Charge(MemoryKind.User, bytes);
            _bytes += bytes;
        }

        public long CountBytes(MemoryGroup group) => _bytes;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            long freed = long.Min(_bytes, targetBytes);
            _bytes -= freed;
            _group.Uncharge(MemoryKind.User, freed);
            return freed;
        }
    }
}
