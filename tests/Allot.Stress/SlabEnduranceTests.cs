using System.Globalization;
using Allot.Testing;

namespace Allot.Stress;

/// <summary>A program that runs for long: its resident memory does not grow.</summary>
/// <remarks>ALLOT_STRESS_FACTOR=1000 makes it 10^9 operations, which is a day of a busy server.</remarks>
[Collection(ScaleTests.Alone)]
public sealed unsafe class SlabEnduranceTests(ITestOutputHelper output)
{
    private const int Rounds = 8, LiveBlocks = 4000, OperationsOnce = 1_000_000;
    private const long SlackBytes = 4 << 20;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Resident_memory_does_not_grow(ulong seed)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Resident memory is read from /proc.");
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        var random = new Prng(seed);
        MemoryGroup root = new MemoryController(new MemoryGroupOptions { MaxBytes = 1L << 30 }).Root;
        MemoryGroup[] groups = [.. Enumerable.Range(0, 4).Select(i => root.CreateChild($"g{i}"))];
        var live = new nint[LiveBlocks];
        int operations = Load.Operations(OperationsOnce) / Rounds, names = 0;
        long first = 0;
        for (int round = 0; round < Rounds; round++)
        {
            // Each round on a thread of its own: threads end with free blocks of theirs.
            ulong own = (ulong)random.Below(int.MaxValue);
            var thread = new Thread(() => Replace(groups, live, operations, new Prng(own + 1)));
            thread.Start();
            thread.Join();
            int changed = random.Below(groups.Length);
            groups[changed].Remove();
            groups[changed] = root.CreateChild($"n{names++}");
            GC.Collect();
            long resident = Resident();
            output.WriteLine($"{operations} operations, {resident >> 10} KiB resident");
            if (round == 1) first = resident;   // by then all is compiled, and every size has come by
            if (round > 1) Assert.InRange(resident, 0, (first * 11 / 10) + SlackBytes);
        }

        foreach (nint block in live) GroupMemory.Free((byte*)block);
        Assert.Equal(0, root.Memory.CurrentBytes);
        Assert.Equal(0, root.ReadEvents().AccountingErrors);
    }

    private static void Replace(MemoryGroup[] groups, nint[] live, int operations, Prng random)
    {
        for (int i = 0; i < operations; i++)
        {
            int index = random.Below(live.Length), bytes = random.OneIn(500) ? random.Below(100_000) : random.Below(600);
            GroupMemory.Free((byte*)live[index]);
            live[index] = (nint)GroupMemory.Allocate(groups[i & 3], (nuint)bytes);
        }
    }

    private static long Resident() => long.Parse(
        File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}
