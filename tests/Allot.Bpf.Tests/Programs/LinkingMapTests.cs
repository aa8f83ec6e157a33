using System.Net;
using System.Net.Sockets;
using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Programs;

/// <summary>Programs and the maps that connect them with the host: rings, outputs, storages, redirection. Verified, and
/// in every engine.</summary>
public sealed class LinkingMapTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    public static TheoryData<BpfEngine> Engines => [BpfEngine.Interpreter, BpfEngine.Compiler];

    [Theory, MemberData(nameof(Engines))]
    public void A_program_reserves_writes_and_submits_a_record(BpfEngine engine)
    {
        Asm program = new Asm()
            .Map(1, 0).Move(2, 16).Move(3, 0).Call(131)
            .If(BpfOp.Jne64, 0, 0, "reserved").Move(0, 1).Exit()
            .Label("reserved").Number(BpfOp.Store64, 0, 42).Number(BpfOp.Store64, 0, 43, 8)
            .Copy(1, 0).Move(2, 0).Call(132)
            .Map(1, 0).Move(2, 0).Call(134).Exit();
        using (var ring = Create<RingBuffer>(Ring))
        using (BpfProgram loaded = Load(program, engine, ring))
        {
            Assert.Equal(24ul, loaded.Run([]));
            Assert.True(ring.TryRead(out RingRecord record));
            using (record) Assert.Equal([42, 0, 0, 0, 0, 0, 0, 0, 43, 0, 0, 0, 0, 0, 0, 0], record.Bytes.ToArray());
            while (loaded.Run([]) != 1)
            {
            }

            Assert.Equal(4095 / 24 * 24, ring.AvailableBytes);
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_record_that_is_discarded_is_skipped(BpfEngine engine)
    {
        Asm program = new Asm()
            .Map(1, 0).Move(2, 8).Move(3, 0).Call(131)
            .If(BpfOp.Jne64, 0, 0, "reserved").Move(0, 1).Exit()
            .Label("reserved").Copy(1, 0).Move(2, 0).Call(133).Move(0, 0).Exit();
        using var ring = Create<RingBuffer>(Ring);
        using BpfProgram loaded = Load(program, engine, ring);
        Assert.Equal(0ul, loaded.Run([]));
        Assert.False(ring.TryRead(out _));
        Assert.Equal(16u, ring.Query(RingQuery.ConsumerPosition));
    }

    [Fact]
    public void A_record_that_is_not_given_back_on_every_path_is_refused()
    {
        using var ring = Create<RingBuffer>(Ring);
        Asm leaks = new Asm().Map(1, 0).Move(2, 8).Move(3, 0).Call(131).Move(0, 0).Exit();
        Assert.Throws<BpfRefusedException>(() => Load(leaks, BpfEngine.Interpreter, ring));
        Asm wrongMap = new Asm().Map(1, 0).Move(2, 8).Move(3, 0).Call(131).Exit();
        using var array = GroupMap.Create(_group, ArrayOf8);
        Assert.Throws<BpfRefusedException>(() => Load(wrongMap, BpfEngine.Interpreter, array));
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_record_of_a_program_that_fails_is_discarded(BpfEngine engine)
    {
        Asm program = new Asm()
            .Map(1, 0).Move(2, 8).Move(3, 0).Call(131)
            .Label("loop").Number(BpfOp.Add64, 6, 1).Jump("loop").Exit();
        using var ring = Create<RingBuffer>(Ring);
        using BpfProgram loaded = BpfProgram.Load(_group, program.Bytes(), new BpfProgramOptions
        {
            Maps = [ring],
            Engine = engine,
            Verification = BpfVerification.Structure,
            InstructionBudget = 1000,
        });
        Assert.False(loaded.TryRun([], out _, out BpfFault fault));
        Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
        ring.TryWrite([7]);
        Assert.True(ring.TryRead(out RingRecord record));
        using (record) Assert.Equal(7, record.Bytes[0]);
    }

    [Theory, MemberData(nameof(Engines))]
    public void What_was_not_reserved_cannot_be_submitted(BpfEngine engine)
    {
        Asm program = new Asm().Copy(1, 10).Number(BpfOp.Add64, 1, -8).Move(2, 0).Call(132).Move(0, 0).Exit();
        using var ring = Create<RingBuffer>(Ring);
        using BpfProgram loaded = BpfProgram.Load(
            _group,
            program.Bytes(),
            new BpfProgramOptions { Maps = [ring], Engine = engine, Verification = BpfVerification.Structure });
        Assert.False(loaded.TryRun([], out _, out BpfFault fault));
        Assert.Equal(BpfFaultKind.BadArgument, fault.Kind);
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_program_writes_bytes_of_its_stack_to_a_ring_and_to_an_output(BpfEngine engine)
    {
        Asm program = new Asm()
            .Copy(6, 1).Number(BpfOp.Store64, 10, 99, -8)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Move(3, 8).Move(4, 0).Call(130)
            .IfRegister(BpfOp.Jne64, 0, 0, "end")
            .Copy(1, 6).Map(2, 1).Move(3, 1).Copy(4, 10).Number(BpfOp.Add64, 4, -8).Move(5, 8).Call(25)
            .Label("end").Exit();
        using var ring = Create<RingBuffer>(Ring);
        using var outputs = Create<PerfEventArray>(
            new() { Type = MapType.PerfEventArray, KeyBytes = 4, ValueBytes = 4, Capacity = 2 });
        using BpfProgram loaded = Load(program, engine, ring, outputs);
        Assert.Equal(-2, (long)loaded.Run([]));
        PerfReader reader = outputs.Open(1, 4096);
        Assert.Equal(0ul, loaded.Run([]));
        Assert.True(reader.TryRead(out RingRecord record));
        using (record) Assert.Equal(99, record.Bytes[0]);
        Assert.True(ring.TryRead(out record));
        using (record) Assert.Equal(99, record.Bytes[0]);
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_program_keeps_a_value_for_its_thread(BpfEngine engine)
    {
        // r0 = task_storage_get(map, 0, 0, CREATE); if (r0) *r0 += 1
        Asm program = new Asm()
            .Map(1, 0).Move(2, 0).Move(3, 0).Move(4, 1).Call(156)
            .If(BpfOp.Jne64, 0, 0, "found").Exit()
            .Label("found").Register(BpfOp.Load64, 1, 0).Number(BpfOp.Add64, 1, 1).Register(BpfOp.Store64, 0, 1)
            .Copy(0, 1).Exit();
        using (var storage = Create<TaskStorage>(StorageOf(MapType.TaskStorage)))
        using (BpfProgram loaded = Load(program, engine, storage))
        {
            Assert.Equal(1ul, loaded.Run([]));
            Assert.Equal(2ul, loaded.Run([]));
            var thread = new Thread(() => Assert.Equal(1ul, loaded.Run([])));
            thread.Start();
            thread.Join();
            Assert.Equal(2, storage.Count);
            Assert.True(storage.TryGet(Thread.CurrentThread, out StorageUse use));
            using (use) Assert.Equal(2, BitConverter.ToInt64(use.Bytes));
            Assert.Equal(0, storage.Delete(Thread.CurrentThread));
            Assert.Equal(1ul, loaded.Run([]));
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_program_deletes_the_value_of_its_thread_and_uses_it_to_its_end(BpfEngine engine)
    {
        Asm program = new Asm()
            .Map(1, 0).Move(2, 0).Move(3, 0).Move(4, 1).Call(156)
            .If(BpfOp.Jne64, 0, 0, "found").Exit()
            .Label("found").Copy(6, 0).Map(1, 0).Move(2, 0).Call(157)
            .Number(BpfOp.Store64, 6, 5).Register(BpfOp.Load64, 0, 6).Exit();
        using (var storage = Create<TaskStorage>(StorageOf(MapType.TaskStorage)))
        using (BpfProgram loaded = Load(program, engine, storage))
        {
            Assert.Equal(5ul, loaded.Run([]));
            Assert.Equal(0, storage.Count);
            Assert.Equal(0, storage.ChargedBytes);
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public void A_program_asks_for_its_group_and_for_the_value_of_its_group(BpfEngine engine)
    {
        Asm program = new Asm()
            .Map(1, 0).Move(2, 0).Call(37).Copy(6, 0)
            .Map(1, 1).Move(2, 0).Call(81)
            .If(BpfOp.Jne64, 0, 0, "found").Copy(0, 6).Exit()
            .Label("found").Number(BpfOp.Store64, 0, 7).Move(0, 100).Exit();
        using var groups = Create<CgroupArray>(
            new() { Type = MapType.CgroupArray, KeyBytes = 4, ValueBytes = 4, Capacity = 1 });
        using var storage = Create<CgroupStorage>(new() { Type = MapType.CgroupStorage, KeyBytes = 8, ValueBytes = 8 });
        using BpfProgram loaded = Load(program, engine, groups, storage);
        Assert.Equal(-11, (long)loaded.Run([]));
        groups.Put(0, _group);
        Assert.Equal(1ul, loaded.Run([]));
        storage.Attach(_group);
        Assert.Equal(100ul, loaded.Run([]));
        MemoryGroup other = _group.Parent!.CreateChild("other");
        using (other.Enter()) Assert.Equal(0ul, loaded.Run([]));
    }

    [Theory, MemberData(nameof(Engines))]
    public void The_memory_of_a_run_goes_where_the_program_redirects_it(BpfEngine engine)
    {
        Asm program = new Asm()
            .Number(BpfOp.Store8, 1, 9)
            .Map(1, 0).Move(2, 1).Move(3, 2).Call(51).Exit();
        using var queues = Create<CpuMap>(new() { Type = MapType.CpuMap, KeyBytes = 4, ValueBytes = 4, Capacity = 2 });
        using BpfProgram loaded = BpfProgram.Load(
            _group, program.Bytes(), new BpfProgramOptions { Maps = [queues], Engine = engine, MemoryBytesMin = 1 });
        Assert.Equal(2ul, loaded.Run([1, 2, 3]));
        queues.Put(1, 4);
        Assert.Equal(4ul, loaded.Run([1, 2, 3]));
        Assert.True(queues.QueueOf(1)!.TryReceive(out Packet packet));
        using (packet) Assert.Equal([9, 2, 3], packet.Bytes.ToArray());
        Assert.False(queues.QueueOf(1)!.TryReceive(out _));
    }

    [Theory, MemberData(nameof(Engines))]
    public void The_memory_of_a_run_is_sent_through_a_socket(BpfEngine engine)
    {
        Asm program = new Asm().Map(2, 0).Move(3, 0).Move(4, 0).Call(60).Exit();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        using var sockets = Create<SockMap>(
            new() { Type = MapType.SockMap, KeyBytes = 4, ValueBytes = 8, Capacity = 1 });
        using BpfProgram loaded = Load(program, engine, sockets);
        Assert.Equal(0ul, loaded.Run([5, 6]));
        Assert.Equal(0, sockets.Put(0, client));
        Assert.Equal(1ul, loaded.Run([5, 6]));
        byte[] received = new byte[8];
        Assert.Equal(2, server.Receive(received));
        Assert.Equal([5, 6], received[..2]);
    }

    private static MapDefinition Ring { get; } = new() { Name = "ring", Type = MapType.RingBuffer, Capacity = 4096 };

    private static MapDefinition ArrayOf8 { get; } =
        new() { Name = "array", Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 1 };

    private static MapDefinition StorageOf(MapType type) =>
        new() { Name = "storage", Type = type, KeyBytes = 4, ValueBytes = 8, Flags = MapFlags.NoPreallocation };

    private T Create<T>(MapDefinition definition)
        where T : GroupMap =>
        (T)BpfMaps.Create(_group, definition);

    private BpfProgram Load(Asm program, BpfEngine engine, params GroupMap[] maps) =>
        BpfProgram.Load(_group, program.Bytes(), new BpfProgramOptions { Maps = maps, Engine = engine });
}
