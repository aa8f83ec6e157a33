using System.Globalization;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What memory of the machine a live set takes, owners of blocks included.</summary>
internal sealed class ResidentBenchmark : Benchmark
{
    private const int RoundCount = 5, LiveBlocks = 100_000, Replacements = 1_000_000;
    private const string Filled = "filled", Churned = "churned", Freed = "freed";

    private static readonly HeapSubject[] s_subjects =
        [AllotHeaps.ByAllocator, .. PeerHeaps.All.Where(static one => !one.IsManaged)];

    public override string Name => "resident";

    public override string Title => "Resident memory of blocks that are charged to a group";

    public override string Method => """
        Resident bytes (`/proc/self/statm`) that a process of its own gains, for each byte that is asked for: 100,000 live
        blocks, all of whose bytes were written to; then after a million of them, at random, were freed and others
        allocated and written to; then five seconds after all were freed, as a part of what was resident before.
        *Mix* draws sizes from 16 bytes to 64 KiB, all doublings alike. *Tenants* is a million blocks of 64 bytes, of one
        group, and of 10,000 groups with 100 each.
        """;

    public override IReadOnlyList<string> Tools => [];

    public override IReadOnlyList<(string Name, string Package)> Libraries =>
        [(PeerHeaps.Mimalloc, "libmimalloc2.0"), (PeerHeaps.Tcmalloc, "libtcmalloc-minimal4")];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        foreach (int bytes in (int[])[64, 256, 1024, 0])
        {
            Variant[] variants = [.. s_subjects.Select(subject => Child(bench, subject.Name, $"{bytes}"))];
            IReadOnlyList<Series> all = bench.Compare(RoundCount, variants);
            string what = bytes == 0 ? "mix" : $"{bytes} bytes";
            page.AddTable($"Blocks: {what}", ["of the bytes asked for", "filled", "churned", "left when freed"],
                s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                    [subject.Name, Ratio(all[i], Filled), Ratio(all[i], Churned), Ratio(all[i], Freed)]));
            Series own = all[0], mimalloc = all[Array.IndexOf(s_subjects, PeerHeaps.MimallocSubject)];
            page.AddGoal($"{what}, filled, to mimalloc", own.RatioTo(mimalloc, Filled), 1.1);
            page.AddGoal($"{what}, churned, to mimalloc", own.RatioTo(mimalloc, Churned), 1.15);
            page.AddGoal($"{what}, left when freed", own.In(1, Freed), 0.05);
        }

        IReadOnlyList<Series> tenants = bench.Compare(RoundCount, Child(bench, "tenants", "1"), Child(bench, "tenants", "10000"));
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

    private static Variant Child(Workbench bench, string subject, string number) => new($"{subject}, {number}", () =>
        bench.Measure([Environment.ProcessPath!, "--resident", subject, number, $"{bench.Size(1, 100)}"]));

    private static string Ratio(Series one, string number) =>
        one.Median(number).ToString("F3", CultureInfo.InvariantCulture);

    private static void Live(HeapSubject subject, int bytes, int divisor)
    {
        int[] sizes = bytes == 0 ? SlabsBenchmark.Mix() : [bytes];
        int blocks = LiveBlocks / divisor;
        long asked = 0;
        for (int i = 0; i < blocks; i++) asked += sizes[i & (sizes.Length - 1)];
        HeapLoop loop = subject.Make(3);

        // What runtime and allocator need at first, the array of the live set included, is not what is asked.
        loop.Prepare(blocks);
        loop.Batches(256, 64);
        long before = Resident();
        loop.Fill(blocks, sizes);
        loop.Touch(sizes);
        long filled = Resident() - before;
        Print(Filled, (double)filled / asked);
        loop.ReplaceAndTouch(Replacements / divisor, sizes);
        long churned = Resident() - before;
        Print(Churned, (double)churned / asked);
        loop.Empty();
        if (divisor == 1) Thread.Sleep(TimeSpan.FromSeconds(5));   // a smoke run has no time
        Print(Freed, Math.Max(0, Resident() - before) / (double)Math.Max(filled, churned));
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

    private static long Resident()
    {
        GC.Collect();
        string pages = File.ReadAllText("/proc/self/statm").Split(' ')[1];
        return long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }

    private static void Print(string name, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {value:F5}"));
}
