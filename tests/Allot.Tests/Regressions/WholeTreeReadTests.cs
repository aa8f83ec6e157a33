using Allot.Testing;

namespace Allot.Tests.Regressions;

/// <summary>All of a tree can be read at any time: nobody is waited for, and no figure is one that cannot be.</summary>
public sealed class WholeTreeReadTests
{
    private const int Threads = 8;
    private const long MaxBytes = 2 << 20;
    private const long HeldMaxBytes = 40_000;   // by one thread at one time
    private const long AlwaysHeldBytes = 1_000;
    private const long UsedMaxBytes = AlwaysHeldBytes + (Threads * HeldMaxBytes);

    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);   // only reached by a failure

    private readonly MemoryController _tree = new(new() { MaxBytes = MaxBytes });

    [Fact]
    public async Task Reading_waits_for_no_lock_of_whoever_changes_the_tree()
    {
        MemoryGroup group = _tree.Root.CreateChild("a");
        for (int i = 0; i < 100; i++) group.Charge(MemoryKind.Kernel, 10);
        using var isHeld = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var holder = new Thread(HoldLocks);
        holder.Start();
        isHeld.Wait(TestContext.Current.CancellationToken);
        try
        {
            await Task.Run(Read, TestContext.Current.CancellationToken).WaitAsync(s_longEnough, TestContext.Current.CancellationToken);
        }
        finally
        {
            release.Set();
            holder.Join();
        }

        // The gate through which limits change, reserves are taken back and groups end; and the lock under which
        // groups are created.
        void HoldLocks()
        {
            using (_tree.Reserves.Gate.EnterScope())
            {
                using (_tree.TreeLock.EnterScope())
                {
                    isHeld.Set();
                    release.Wait();
                }
            }
        }

        void Read()
        {
            Assert.Equal(1_000, group.Memory.CurrentBytes);
            Assert.Equal((0, 1_000), (group.ReadStat().UserBytes, group.ReadStat().KernelBytes));
            Assert.InRange(group.Memory.PeakBytes, 1_000, MaxBytes);
            Assert.Equal(MaxBytes - 1_000, group.Memory.AvailableBytes);
            Assert.InRange(group.Memory.ReservedBytes, 1, MaxBytes);
            Assert.Equal(default, _tree.Root.ReadEvents());
            Assert.Equal(default, _tree.Root.ReadLocalEvents());
            Assert.Equal(TimeSpan.Zero, _tree.Root.ReadPressure().SomeTotal);
            foreach (string name in (string[])["memory.current", "memory.stat", "memory.events", "memory.peak"])
            {
                Assert.NotEmpty(group.Files.Read(name));
            }
        }
    }

    // The threads go on until the walks are done, so a walk that waited for a quiet moment would never end.
    [Fact]
    public void Walks_over_a_tree_that_eight_threads_charge_end_and_show_only_what_can_be()
    {
        const int Walks = 100, Rounds = 1_000;
        MemoryGroup[] groups = NewGroups();
        MemoryGroup holder = groups[^1];
        holder.Charge(MemoryKind.Kernel, AlwaysHeldBytes);
        bool stop = false;
        long rounds = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() => Work((ulong)i)))];
        foreach (Thread thread in threads) thread.Start();
        var last = new Dictionary<MemoryGroup, (long Peak, long Refused)>();
        var wrong = new List<string>();
        try
        {
            for (int walk = 0; walk < Walks || Volatile.Read(ref rounds) < Rounds; walk++) Walk();
        }
        finally
        {
            Volatile.Write(ref stop, true);
            foreach (Thread thread in threads) thread.Join();
        }

        Assert.Empty(wrong);
        Assert.Equal(groups.Length + 4, last.Count);
        Assert.NotEqual(0, last[_tree.Root].Refused);
        Assert.Empty(TreeWalk.FindViolations(_tree));
        Assert.Equal(AlwaysHeldBytes, _tree.Root.Memory.CurrentBytes);

        void Walk()
        {
            var pending = new Stack<MemoryGroup>([_tree.Root]);
            while (pending.TryPop(out MemoryGroup? group))
            {
                Look(group);
                foreach (MemoryGroup child in group.Children) pending.Push(child);
            }
        }

        void Look(MemoryGroup group)
        {
            long used = group.Memory.CurrentBytes, kernel = group.Kernel.CurrentBytes;
            long peak = group.Memory.PeakBytes, reserved = group.Memory.ReservedBytes;
            MemoryStat stat = group.ReadStat();
            MemoryEvents local = group.ReadLocalEvents(), all = group.ReadEvents();
            (long Peak, long Refused) before = last.GetValueOrDefault(group);

            // Use is never below what is held all the time, never above what all can hold together, nor above the
            // limit; what only grows, grows.
            long least = holder == group || holder.Parent == group || group.Parent is null ? AlwaysHeldBytes : 0;
            Require(used >= least && used <= UsedMaxBytes, $"used {used}");
            Require(used <= group.Memory.MaxBytes, $"used {used} above the limit");
            Require(kernel >= least && kernel <= UsedMaxBytes, $"kernel {kernel}");
            Require(stat.UserBytes is >= 0 and <= UsedMaxBytes, $"user {stat.UserBytes}");
            Require(reserved is >= 0 and <= MaxBytes, $"reserved {reserved}");
            Require(peak >= before.Peak, $"peak {peak} after {before.Peak}");
            Require(peak <= MaxBytes, $"peak {peak} above the limit");
            Require(all.MemoryMax >= before.Refused, $"refused {all.MemoryMax} after {before.Refused}");
            Require(all.MemoryMax >= local.MemoryMax, $"refused {all.MemoryMax}, of that here {local.MemoryMax}");
            last[group] = (peak, all.MemoryMax);

            void Require(bool holds, string what)
            {
                if (!holds) wrong.Add($"{group.Path}: {what}");
            }
        }

        void Work(ulong seed)
        {
            var random = new Prng(seed);
            while (!Volatile.Read(ref stop))
            {
                MemoryGroup group = random.Pick(groups);
                var kind = (MemoryKind)random.Below(2);
                int charged = 0;
                for (int i = 0; i < 10; i++)
                {
                    if (group.TryCharge(kind, HeldMaxBytes / 10, out _)) charged++;
                }

                for (; charged > 0; charged--) group.Uncharge(kind, HeldMaxBytes / 10);
                Interlocked.Increment(ref rounds);
            }
        }
    }

    // A root, three in the middle, and below each some with a limit that refuses.
    private MemoryGroup[] NewGroups()
    {
        var groups = new List<MemoryGroup>();
        for (int i = 0; i < 3; i++)
        {
            MemoryGroup middle = _tree.Root.CreateChild($"m{i}");
            for (int k = 0; k < 10; k++)
            {
                groups.Add(middle.CreateChild($"g{k}", new() { MaxBytes = k < 3 ? HeldMaxBytes / 2 : MaxBytes }));
            }
        }

        return [.. groups];
    }
}
