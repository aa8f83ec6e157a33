using System.Diagnostics;
using System.Globalization;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What memory of the machine a live set takes, owners of blocks included.</summary>
internal sealed class ResidentBenchmark : Benchmark
{
    // Together often enough for the runtime to compile each loop for good, however few blocks it has: that takes memory.
    private const int Rehearsals = 4, RehearsalRounds = 10;
    private const double LeftAtMost = 0.05;
    private const int RoundCount = 3, LiveBytes = 64 << 20, MostReplacements = 1_000_000;
    private const long ReplacedBytes = 8L << 30;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private const string Filled = "filled", Churned = "churned", Freed = "freed";

    private static readonly HeapSubject[] s_subjects =
        [AllotHeaps.ByAllocator, .. PeerHeaps.All.Where(static one => !one.IsManaged)];

    public override string Name => "resident";

    public override string Title => "Resident memory of blocks that are charged to a group";

    public override string Method => """
        Resident bytes (`/proc/self/statm`) that a process of its own gains, for each byte that is asked for: 64 MiB of
        live blocks, all of whose bytes were written to; then after a million of them (131,072 of 64 KiB), at random, were
        freed and others allocated and written to; then after all were freed, as a part of what was resident before: Allot
        gets up to five seconds to give memory back by its timer, and the wait ends when a twentieth is left; the others
        have none, and are not waited for. *Mix* draws sizes from 16 bytes to 64 KiB, all doublings alike. *Tenants* is a million blocks
        of 64 bytes, of one group, and of 10,000 groups with 100 each.
        """;

    public override IReadOnlyList<string> Tools => [];

    public override IReadOnlyList<(string Name, string Package)> Libraries =>
        [(PeerHeaps.Mimalloc, "libmimalloc2.0"), (PeerHeaps.Tcmalloc, "libtcmalloc-minimal4")];

    public override bool NeedsRoot => false;

    public override bool NeedsStaticTls => true;

    public override string WarmUp => "Each measurement is a process of its own, which rehearses before it measures.";

    public override void Measure(Workbench bench, ResultPage page)
    {
        foreach (int bytes in (int[])[64, 256, 1024, 4096, 65536, 0])
        {
            Variant[] variants = [.. s_subjects.Select(subject => Child(bench, subject.Name, $"{bytes}"))];
            IReadOnlyList<Series> all = Compare(bench, variants);
            string what = bytes == 0 ? "mix" : $"{bytes} bytes";
            page.AddTable($"Blocks: {what}", ["of the bytes asked for", "filled", "churned", "left when freed"],
                s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                    [subject.Name, Ratio(all[i], Filled), Ratio(all[i], Churned), Ratio(all[i], Freed)]));
            Series own = all[0], mimalloc = all[Array.IndexOf(s_subjects, PeerHeaps.MimallocSubject)];
            page.AddGoal($"{what}, filled, to mimalloc", own.RatioTo(mimalloc, Filled), 1.1);
            page.AddGoal($"{what}, churned, to mimalloc", own.RatioTo(mimalloc, Churned), 1.15);
            page.AddGoal($"{what}, left when freed", own.In(1, Freed), LeftAtMost);
        }

        IReadOnlyList<Series> tenants = Compare(bench, Child(bench, "tenants", "1"), Child(bench, "tenants", "10000"));
        page.AddTable("Tenants", ["of the bytes asked for", "filled"],
            tenants.Select(static one => (IReadOnlyList<string>)[one.Name, Ratio(one, Filled)]));
        page.AddGoal("10,000 groups with 100 blocks each, to the same blocks in one", tenants[1].RatioTo(tenants[0], Filled), 1.3);
    }

    /// <summary>What a child process does: prints its numbers.</summary>
    public static int RunChild(string subject, string number, string size)
    {
        int divisor = int.Parse(size, CultureInfo.InvariantCulture), n = int.Parse(number, CultureInfo.InvariantCulture);
        if (subject == "tenants") Tenants(n, divisor);
        else Live(s_subjects.First(one => one.Name == subject), n, divisor);
        return 0;
    }

    // A process of its own is as new in the first round as in the others.
    private static IReadOnlyList<Series> Compare(Workbench bench, params Variant[] variants) =>
        Rounds.Run(bench.Size(RoundCount, 1), warmUps: 0, variants);

    private static Variant Child(Workbench bench, string subject, string number) => new($"{subject}, {number}", () =>
        bench.Measure([Environment.ProcessPath!, "--resident", subject, number, $"{bench.Size(1, 100)}"]));

    private static string Ratio(Series one, string number) =>
        one.Median(number).ToString("F3", CultureInfo.InvariantCulture);

    private static void Live(HeapSubject subject, int bytes, int divisor)
    {
        int[] sizes = bytes == 0 ? SlabsBenchmark.Mix() : [bytes];
        int blocks = (int)(LiveBytes / sizes.Average()) / divisor;
        int replacements = bytes == 0 ? MostReplacements : (int)Math.Min(MostReplacements, ReplacedBytes / bytes);
        long asked = 0;
        for (int i = 0; i < blocks; i++) asked += sizes[i & (sizes.Length - 1)];
        HeapLoop loop = subject.Make(3);

        // What runtime and allocator need at first, compiled code and the array of the live set included, is not what
        // is asked: so all of it is done once before, with fewer blocks.
        int fewer = Math.Max(1, blocks / 100);
        for (int i = 0; i < Rehearsals; i++)
        {
            loop.Prepare(fewer);
            for (int j = 0; j < RehearsalRounds; j++)
            {
                loop.Fill(fewer, sizes);
                loop.Touch(sizes);
                loop.ReplaceAndTouch(MostReplacements / 100 / RehearsalRounds / divisor, sizes);
                loop.Empty();
            }

            AwaitResident(goal: long.MaxValue);
            if (divisor == 1) Thread.Sleep(TimeSpan.FromSeconds(0.2));   // the runtime compiles meanwhile
        }

        loop.Prepare(blocks);
        long before = Resident();
        loop.Fill(blocks, sizes);
        loop.Touch(sizes);
        long filled = Resident() - before;
        Print(Filled, (double)filled / asked);
        loop.ReplaceAndTouch(replacements / divisor, sizes);
        long churned = Resident() - before;
        Print(Churned, (double)churned / asked);
        loop.Empty();
        double peak = Math.Max(filled, churned);
        if (subject.IsOurs && divisor == 1) AwaitResident(before + (long)(peak * LeftAtMost));
        Print(Freed, Math.Max(0, Resident() - before) / peak);
    }

    private static unsafe void Tenants(int groups, int divisor)
    {
        const int Bytes = 64;
        MemoryGroup root = new MemoryController().Root;
        MemoryGroup[] all = [.. Enumerable.Range(0, groups).Select(i => root.CreateChild($"g{i}"))];
        int blocks = 1_000_000 / divisor;
        for (int i = 0; i < 1000; i++) GroupMemory.Free(GroupMemory.Allocate(root, 16));
        long before = Resident();
        for (int i = 0; i < blocks; i++)
        {
            new Span<byte>(GroupMemory.Allocate(all[i % groups], Bytes), Bytes).Fill(1);
        }

        Print(Filled, (double)(Resident() - before) / ((long)blocks * Bytes));
        GC.KeepAlive(all);
    }

    private static void AwaitResident(long goal)
    {
        var since = Stopwatch.StartNew();
        while (Resident() > goal && since.Elapsed < s_patience) Thread.Sleep(TimeSpan.FromMilliseconds(50));
    }

    private static long Resident()
    {
        GC.Collect();
        string pages = File.ReadAllText("/proc/self/statm").Split(' ')[1];
        return long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }

    private static void Print(string name, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {value:F5}"));
}
