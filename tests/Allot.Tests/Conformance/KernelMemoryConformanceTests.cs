using System.Runtime.CompilerServices;
using Allot.Tests.Reclaim;
using Allot.Tests.Stacks;

namespace Allot.Tests.Conformance;

/// <summary>The kernel's own tests of kernel memory accounting, in a process; the names begin with their ids.</summary>
/// <remarks>K3 (reading the kernel's map of page owners) has no meaning here.</remarks>
public sealed class KernelMemoryConformanceTests
{
    private const int Objects = 100, ObjectBytes = 200;

    private readonly MemoryController _tree = new();

    /// <summary>Linux: 100,000 cached objects, then <c>memory.high</c> = 1M; less than half may be left a second later.
    /// Here what is asked for is given at once, so exactly that much is left.</summary>
    [Fact]
    public void K1_kernel_memory_that_caches_hold_is_reclaimed()
    {
        const long Goal = 1 << 20;
        MemoryGroup group = _tree.Root.CreateChild("g");
        using var objects = new TestCache(group, entryBytes: 256, kind: MemoryKind.Kernel);
        objects.Fill(100_000 * 256);
        Assert.Equal(100_000 * 256, group.Kernel.CurrentBytes);
        group.Files.Write("memory.high", "1M");
        Assert.InRange(group.Kernel.CurrentBytes, 0, Goal);
        Assert.Equal(group.Kernel.CurrentBytes, group.Memory.CurrentBytes);
    }

    /// <summary>Linux: after 100 groups with threads and objects came and went, the parts of the parent add up to its
    /// use, within 64 pages for each processor. Here the difference is 0.</summary>
    [Fact]
    public void K2_sums_are_exact_after_groups_with_threads_came_and_went()
    {
        MemoryGroup parent = _tree.Root.CreateChild("p");
        for (int i = 0; i < 100; i++)
        {
            MemoryGroup child = parent.CreateChild("child");
            Thread[] threads = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => Charging(child))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            child.Remove();

            long held = (i + 1L) * threads.Length * Objects * ObjectBytes;
            MemoryStat stat = parent.ReadStat();
            Assert.Equal((held / 2, held / 2), (stat.UserBytes, stat.KernelBytes));
            Assert.Equal(held, parent.Memory.CurrentBytes);
        }

        Assert.Empty(TreeWalk.FindViolations(_tree));

        static Thread Charging(MemoryGroup group) => new(() =>
        {
            for (int i = 0; i < Objects / 2; i++)
            {
                group.Charge(MemoryKind.Kernel, ObjectBytes);
                group.Charge(MemoryKind.User, ObjectBytes);
            }
        });
    }

    /// <summary>Linux: while a process has 1,000 threads, <c>kernel_stack</c> is at least a page for each. Here it is what
    /// their stacks take, to the byte, and nothing when they have ended.</summary>
    [Fact]
    public void K4_the_stacks_of_a_thousand_threads_are_charged()
    {
        const int Threads = 1_000, StackBytes = 64 << 10;
        MemoryGroup group = _tree.Root.CreateChild("g");
        List<HeldThread> threads = [.. Enumerable.Range(0, Threads).Select(_ => new HeldThread(group, StackBytes))];
        long bytes = threads.Sum(static thread => thread.RealBytes);
        Assert.True(bytes >= Threads * StackBytes, "No stack is smaller than was asked for.");
        Assert.Contains($"\nkernel_stack {bytes}\n", group.Files.Read("memory.stat"), StringComparison.Ordinal);
        Assert.Equal(bytes, group.Kernel.CurrentBytes);
        foreach (HeldThread thread in threads) thread.Dispose();
        Assert.Contains("\nkernel_stack 0\n", group.Files.Read("memory.stat"), StringComparison.Ordinal);
        Assert.Equal(0, group.Kernel.CurrentBytes);
    }

    /// <summary>Linux: 30 groups with 100 objects each are deleted, and the number of dying groups has to reach 0 within
    /// 8 seconds. Here it is 0 at once, although the objects are still charged.</summary>
    [Fact]
    public void K5_no_removed_group_is_left_although_its_objects_are()
    {
        MemoryGroup parent = _tree.Root.CreateChild("p");
        WeakReference[] removed = [.. Enumerable.Range(0, 30).Select(i => ChargeAndRemove(parent, $"child{i}"))];
        GC.Collect();
        Assert.Equal(0, removed.Count(group => group.IsAlive));
        Assert.Empty(parent.Children);
        Assert.Equal(30 * Objects * ObjectBytes, parent.Kernel.CurrentBytes);
    }

    /// <summary>Linux: 1,000 groups are created below one, whose use must then be the memory of those groups, and that
    /// must be kernel memory, within 64 pages for each processor. Here the sum is exact, and near what is allocated.
    /// It is so in a tree that asks for it: by default counters read exactly what was charged to them.</summary>
    [Fact]
    public void K6_the_metadata_of_groups_is_charged_to_their_parent()
    {
        const int Groups = 1_000;
        MemoryGroup parent = new MemoryController(options: new() { ChargesGroupMetadata = true }).Root.CreateChild("p");
        _ = parent.Kernel;
        string[] names = [.. Enumerable.Range(0, Groups).Select(i => $"child{i}")];
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (string name in names) parent.CreateChild(new string(name));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;   // tables that were outgrown included

        Assert.Equal(parent.Memory.CurrentBytes, parent.Kernel.CurrentBytes);
        Assert.Equal(names.Sum(name => GroupFootprint.BytesOf(name, new())), parent.Kernel.CurrentBytes);
        Assert.InRange(parent.Kernel.CurrentBytes, allocated * 70 / 100, allocated);
        Assert.All(parent.Children, child => Assert.Equal(0, child.Memory.CurrentBytes));
        foreach (MemoryGroup child in parent.Children) child.Remove();
        parent.Remove();
        Assert.Equal(default, parent.Parent!.ReadStat());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ChargeAndRemove(MemoryGroup parent, string name)
    {
        MemoryGroup group = parent.CreateChild(name);
        for (int i = 0; i < Objects; i++) group.Charge(MemoryKind.Kernel, ObjectBytes);
        group.Remove();
        return new WeakReference(group);
    }
}
