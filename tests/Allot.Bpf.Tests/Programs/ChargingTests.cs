using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Programs;

/// <summary>Who pays for programs and maps, and that a refusal leaves nothing behind.</summary>
public sealed class ChargingTests
{
    private static readonly byte[] s_program = new Asm().Move(0, 7).Exit().Bytes();

    private static readonly MapDefinition s_hash =
        new() { Name = "users", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 8, Capacity = 100 };

    [Theory]
    [InlineData(BpfEngine.Interpreter)]
    [InlineData(BpfEngine.Compiler)]
    public void A_program_is_charged_with_what_it_says_and_gives_all_of_it_back(BpfEngine engine)
    {
        MemoryGroup root = new MemoryController().Root;
        MemoryGroup group = root.CreateChild("tenant");
        using (BpfProgram program = BpfProgram.Load(group, s_program, new BpfProgramOptions { Engine = engine }))
        {
            Assert.Equal(engine == BpfEngine.Compiler, program.IsCompiled);
            Assert.Equal(program.ChargedBytes, group.Kernel.CurrentBytes);
            Assert.Equal(7ul, program.Run([]));
            Assert.Equal(program.ChargedBytes, group.Kernel.CurrentBytes);
            Assert.True(program.ChargedBytes >= BpfExecutionBytes);
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Theory]
    [InlineData(BpfEngine.Interpreter)]
    [InlineData(BpfEngine.Compiler)]
    public void Statistics_are_kept_when_asked_for_and_the_group_pays_for_them(BpfEngine engine)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        byte[] mayFail = new Asm().Register(BpfOp.Load8, 0, 1, 3).Exit().Bytes();
        var options = new BpfProgramOptions { Engine = engine, Verification = BpfVerification.Structure };
        using (BpfProgram plain = BpfProgram.Load(group, mayFail, options))
        {
            plain.Run(new byte[4]);
            Assert.Equal(default, plain.Statistics);
            options.KeepsStatistics = true;
            using BpfProgram counted = BpfProgram.Load(group, mayFail, options);
            Parallel.For(0, 1_000, _ => counted.Run(new byte[4]));
            Assert.False(counted.TryRun([], out _, out _));
            Assert.Equal((1_001, 1), (counted.Statistics.Runs, counted.Statistics.Faults));
            Assert.True(counted.Statistics.Time > TimeSpan.Zero);
            Assert.True(counted.ChargedBytes >= plain.ChargedBytes + (64 * Environment.ProcessorCount));
            Assert.Equal(plain.ChargedBytes + counted.ChargedBytes, group.Kernel.CurrentBytes);
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void Maps_are_charged_from_their_first_byte_to_their_last()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        using (GroupMap hash = BpfMaps.Create(group, s_hash))
        using (GroupMap array = BpfMaps.Create(group, s_hash with { Type = MapType.Array, KeyBytes = 4 }))
        using (GroupMap programs = BpfMaps.Create(group, s_hash with { Type = MapType.ProgramArray, KeyBytes = 4, ValueBytes = 4 }))
        {
            Assert.Equal(hash.ChargedBytes + array.ChargedBytes + programs.ChargedBytes, group.Kernel.CurrentBytes);
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_refused_map_leaves_nothing_behind()
    {
        for (long max = 0; max < 8192; max += 256)
        {
            MemoryGroup group = new MemoryController().Root.CreateChild("tenant", new MemoryGroupOptions { MaxBytes = max });
            GroupMap? made = null;
            Exception? failure = Record.Exception(() => made = BpfMaps.Create(group, s_hash));
            Assert.True(made is null ? failure is MemoryLimitExceededException : failure is null);
            made?.Dispose();
            Assert.Equal(0, group.Memory.CurrentBytes);
        }
    }

    [Fact]
    public void A_refused_program_leaves_nothing_behind()
    {
        Asm loop = new Asm().Move(0, 0).Label("loop").Number(BpfOp.Add64, 0, 1).If(BpfOp.Jlt64, 0, 500, "loop").Exit();
        bool isRefused = false;
        bool isAccepted = false;
        for (long max = 0; max < 400_000; max += 2048)
        {
            MemoryGroup group = new MemoryController().Root.CreateChild("tenant", new MemoryGroupOptions { KernelMaxBytes = max });
            try
            {
                using BpfProgram program = BpfProgram.Load(group, loop.Bytes());
                Assert.Equal(500ul, program.Run([]));
                isAccepted = true;
            }
            catch (MemoryLimitExceededException)
            {
                isRefused = true;
            }

            Assert.Equal(0, group.Memory.CurrentBytes);
        }

        Assert.True(isRefused && isAccepted);
    }

    [Fact]
    public void Malformed_and_unproven_programs_leave_nothing_behind()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(group, [1, 2, 3]));
        Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(group, new Asm().Copy(0, 5).Exit().Bytes()));
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_map_stays_as_long_as_a_program_uses_it()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        GroupMap map = BpfMaps.Create(group, s_hash with { Type = MapType.Array, KeyBytes = 4 });
        byte[] code = new Asm().MapValue(1, 0, 0).Number(BpfOp.Store64, 1, 5).Register(BpfOp.Load64, 0, 1).Exit().Bytes();
        using (BpfProgram program = BpfProgram.Load(group, code, new BpfProgramOptions { Maps = [map] }))
        {
            map.Dispose();
            map.Dispose();
            Assert.Throws<ObjectDisposedException>(() => BpfProgram.Load(group, code, new BpfProgramOptions { Maps = [map] }));
            Assert.Equal(5ul, program.Run([]));
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_program_that_was_disposed_does_not_run()
    {
        BpfProgram program = BpfProgram.Load(new MemoryController().Root, s_program);
        program.Dispose();
        program.Dispose();
        Assert.Throws<ObjectDisposedException>(() => program.Run([]));
    }

    [Fact]
    public async Task Runs_on_many_threads_share_nothing_but_maps()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        using (GroupMap map = BpfMaps.Create(group, s_hash with { Type = MapType.Array, KeyBytes = 4 }))
        using (BpfProgram program = BpfProgram.Load(
            group,
            new Asm().MapValue(1, 0, 0).Move(0, 1).Register(BpfOp.FetchAdd64, 1, 0).Register(BpfOp.Store64, 10, 0, -8)
                .Register(BpfOp.Load64, 0, 10, -8).Exit().Bytes(),
            new BpfProgramOptions { Maps = [map] }))
        {
            const int Runs = 5_000;
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
            {
                for (int run = 0; run < Runs; run++) program.Run([]);
            })));
            Assert.Equal(8ul * Runs, program.Run([]));
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Whoever_runs_a_program_as_it_ends_leaves_nothing_behind(int threads)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        for (int round = 0; round < 40; round++)
        {
            BpfProgram program = BpfProgram.Load(group, s_program, new BpfProgramOptions { Engine = BpfEngine.Interpreter });
            using var isRunning = new CountdownEvent(threads);
            Task[] all = [.. Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(
                () => RunUntilItEnds(program, isRunning), TaskCreationOptions.LongRunning))];
            isRunning.Wait(TestContext.Current.CancellationToken);
            program.Dispose();
            await Task.WhenAll(all);
            Assert.Equal(0, group.Memory.CurrentBytes);
        }
    }

    private static void RunUntilItEnds(BpfProgram program, CountdownEvent isRunning)
    {
        for (int run = 0; ; run++)
        {
            if (run == 50) isRunning.Signal();
            try
            {
                Assert.Equal(7ul, program.Run([]));
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    private const long BpfExecutionBytes = 4096;
}
