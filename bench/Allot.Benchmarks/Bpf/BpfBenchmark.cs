using System.Diagnostics;
using Allot.Benchmarks.Runner;
using Allot.Bpf;

namespace Allot.Benchmarks.Bpf;

/// <summary>BPF programs: compiled, interpreted, and as C#; and what it takes to get there.</summary>
internal sealed class BpfBenchmark : Benchmark
{
    private const int RoundCount = 101, LoadRoundCount = 51;

    private static readonly byte[] s_memory = new byte[8];

    public override string Name => "bpf";

    public override string Title => "BPF programs";

    public override string Method => """
        Functions in C, compiled by clang 16 for BPF, next to the same ones in C#: a hash of 1024 bytes, arithmetic on 128
        words, and the headers of one packet. All get the memory as a span; what a run takes beyond the program is in every
        number, and is what *return 0* takes. Loading is decoding and verifying, and compiling where it says so: 100
        instructions with loads, stores and jumps, into a group that is charged for them; with one run, for which the runtime
        makes the machine code.
        """;

    public override string WarmUp => InProcess.Method + "\nLoading is measured 20 times in a row.";

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        byte[] memory = new byte[1024];
        for (int i = 0; i < memory.Length; i++) memory[i] = (byte)(i * 37);
        (memory[12], memory[13], memory[14], memory[23]) = (8, 0, 0x45, 6);
        MeasureProgram(bench, page, group, "a hash of 1024 bytes", BpfPrograms.HashCode, BpfPrograms.Hash, memory, goal: 1.3);
        MeasureProgram(
            bench, page, group, "arithmetic on 128 words", BpfPrograms.WordsCode, BpfPrograms.Words, memory, goal: 1.3);
        MeasureProgram(bench, page, group, "the headers of a packet", BpfPrograms.PacketCode, BpfPrograms.Packet, memory);
        MeasureProgram(bench, page, group, "return 0", BpfPrograms.Empty, BpfPrograms.Nothing, memory);
        MeasureLoad(bench, page, group);
    }

    private static void MeasureProgram(
        Workbench bench,
        ResultPage page,
        MemoryGroup group,
        string name,
        string code,
        MemoryFunction function,
        byte[] memory,
        double? goal = null)
    {
        using BpfProgram compiled = Load(group, code, BpfEngine.Compiler);
        using BpfProgram interpreted = Load(group, code, BpfEngine.Interpreter);
        ulong expected = function(memory);
        if (compiled.Run(memory) != expected || interpreted.Run(memory) != expected)
        {
            throw new BenchmarkException($"'{name}' gives something else than C#.");
        }

        Work[] works =
        [
            Loop($"{name}, C#", () => function(memory)),
            Loop($"{name}, compiled", () => compiled.Run(memory)),
            Loop($"{name}, interpreted", () => interpreted.Run(memory)),
        ];
        IReadOnlyList<Series> all = bench.InProcess.Compare(RoundCount, works);
        page.AddTable(
            char.ToUpperInvariant(name[0]) + name[1..],
            ["", "ns", "to C#"],
            all.Select(one => (string[])
            [
                one.Name, Cell.FewNanoseconds(one.Median(InProcess.Number)),
                one == all[0] ? "1" : $"{one.RatioTo(all[0], InProcess.Number)}",
            ]));
        if (goal is { } limit) page.AddGoal($"{all[1].Name}, to C#", all[1].RatioTo(all[0], InProcess.Number), limit);
    }

    private static void MeasureLoad(Workbench bench, ResultPage page, MemoryGroup group)
    {
        byte[] program = BpfPrograms.OfHundred();
        IReadOnlyList<Series> all = bench.Compare(
            LoadRoundCount,
            Loading("load 100 instructions, and interpret them once", BpfEngine.Interpreter),
            Loading("load 100 instructions, compile them and run them once", BpfEngine.Compiler));
        page.AddTable(
            "Loading",
            ["", "µs"],
            all.Select(one => (string[])[one.Name, $"{one.Median(InProcess.Number) / 1000:F1}"]));
        page.AddGoal("milliseconds to load and run 100 instructions, compiled", all[1].In(1e6, InProcess.Number), 1);

        Variant Loading(string name, BpfEngine engine)
        {
            const int Loads = 20;
            var options = new BpfProgramOptions { Engine = engine, MemoryBytesMin = 8 };
            return new Variant(name, () =>
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < Loads; i++)
                {
                    using var loaded = BpfProgram.Load(group, program, options);
                    loaded.Run(s_memory);   // the runtime makes machine code for the first run
                }

                double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
                return Sample.Of(InProcess.Number, nanoseconds / Loads);
            });
        }
    }

    private delegate ulong MemoryFunction(Span<byte> memory);

    private static BpfProgram Load(MemoryGroup group, string code, BpfEngine engine) =>
        BpfProgram.Load(group, Convert.FromHexString(code), new BpfProgramOptions { Engine = engine });

    private static Work Loop(string name, Func<ulong> one) => new(name, 1, (_, count) =>
    {
        ulong sum = 0;
        for (int i = 0; i < count; i++) sum += one();
        if (sum == 42) Console.Error.WriteLine();   // somebody has to want it
    });
}
