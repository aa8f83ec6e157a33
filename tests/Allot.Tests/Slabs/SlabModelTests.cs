using Allot.Testing;

namespace Allot.Tests.Slabs;

/// <summary>Random threads, sizes, groups and removals against plain sums: the tree reads what is live, then zero. Each
/// block carries a pattern of its own, so that two that overlap are found.</summary>
/// <remarks>Threads take turns by the seed: each step runs on one of them while the others wait, so a seed is a replay.
/// Threads end, with blocks in their bins, and others free what they have allocated.</remarks>
public sealed unsafe class SlabModelTests
{
    private const int Steps = 6000, GroupsMost = 6, ThreadsMost = 4, LiveMost = 600;

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    [Theory, MemberData(nameof(Seeds))]
    public void The_tree_reads_what_is_live_and_then_zero(ulong seed)
    {
        using var slabs = new SlabFixture();
        var random = new Prng(seed);
        List<TurnThread> threads = [new TurnThread()];
        List<Tenant> tenants = [];
        List<Block> live = [];
        long removedBytes = 0;
        for (int step = 0; step < Steps; step++)
        {
            TurnThread thread = random.Pick(threads);
            switch (random.Below(40))
            {
                case 0 when tenants.Count < GroupsMost:
                    tenants.Add(new Tenant(slabs.Root.CreateChild($"t{step}")));
                    break;
                case 1 when tenants.Count > 1:
                    Tenant ended = random.Pick(tenants);
                    tenants.Remove(ended);
                    ended.Group.Remove();
                    removedBytes += ended.LiveBytes;
                    ended.IsRemoved = true;
                    break;
                case 2 when threads.Count < ThreadsMost:
                    threads.Add(new TurnThread());
                    break;
                case 3 when threads.Count > 1:
                    threads.Remove(thread);
                    thread.Dispose();
                    break;
                case 4:
                    thread.Run(() => slabs.Slabs.Trim(all: random.OneIn(2)));
                    break;
                case < 22 when tenants.Count > 0 && live.Count < LiveMost:
                    Tenant tenant = random.Pick(tenants);
                    int bytes = random.OneIn(40) ? random.Below(600_000) : random.Below(1 << (4 + random.Below(10)));
                    int many = random.OneIn(20) ? 100 : 1 + random.Below(4);
                    thread.Run(() =>
                    {
                        for (int i = 0; i < many; i++) live.Add(Block.Allocate(slabs, tenant, bytes, step + i));
                    });
                    break;
                default:
                    int frees = random.OneIn(20) ? 100 : 1 + random.Below(4);
                    for (; frees > 0 && live.Count > 0; frees--)
                    {
                        int index = random.Below(live.Count);
                        Block block = live[index];
                        live[index] = live[^1];
                        live.RemoveAt(live.Count - 1);
                        if (block.Tenant.IsRemoved) removedBytes -= block.Bytes;
                        thread.Run(() => block.Free(slabs));
                    }

                    break;
            }

            if (step % 25 == 0) AssertSums(slabs, tenants, removedBytes);
            if (step % 500 == 0) Assert.Equal(live.Count(one => one.Bytes <= SizeClasses.LargestBytes), slabs.Slabs.Validate());
        }

        AssertSums(slabs, tenants, removedBytes);
        foreach (Block block in live) random.Pick(threads).Run(() => block.Free(slabs));
        foreach (TurnThread thread in threads) thread.Dispose();
        foreach (Tenant tenant in tenants) Assert.Equal(0, tenant.Group.Memory.CurrentBytes);
        slabs.AssertNothingLeft();
        Assert.True(slabs.Slabs.HeapCount <= ThreadsMost + 1 + 1);
    }

    private static void AssertSums(SlabFixture slabs, List<Tenant> tenants, long removedBytes)
    {
        foreach (Tenant tenant in tenants) Assert.Equal(tenant.LiveBytes, tenant.Group.Memory.CurrentBytes);
        Assert.Equal(removedBytes + tenants.Sum(tenant => tenant.LiveBytes), slabs.Root.Memory.CurrentBytes);
    }

    private sealed class Tenant(MemoryGroup group)
    {
        public MemoryGroup Group => group;

        public long LiveBytes { get; set; }

        public bool IsRemoved { get; set; }
    }

    private sealed record Block(Tenant Tenant, nint Address, long Bytes, byte Pattern)
    {
        public static Block Allocate(SlabFixture slabs, Tenant tenant, int bytes, int pattern)
        {
            nint address = slabs.Allocate(tenant.Group, bytes);
            long usable = slabs.Slabs.BytesOf((byte*)address);
            tenant.LiveBytes += usable;
            var block = new Block(tenant, address, usable, (byte)pattern);
            block.Content.Fill(block.Pattern);
            return block;
        }

        public void Free(SlabFixture slabs)
        {
            Assert.True(Content.IndexOfAnyExcept(Pattern) < 0, "Nobody else has written to the block.");
            Tenant.LiveBytes -= Bytes;
            slabs.Free(Address);
        }

        // Both ends of it: a large block is not worth reading as a whole.
        private Span<byte> Content => new((void*)Address, (int)Math.Min(Bytes, 4096));
    }
}
