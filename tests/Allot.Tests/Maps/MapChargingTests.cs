using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps;

/// <summary>What a map is charged is what it has allocated: when it is made, in use, after a transfer, at its
/// end.</summary>
public sealed unsafe class MapChargingTests
{
    public static TheoryData<string> Samples => MapSamples.Names;

    public static TheoryData<string> SamplesWithMemory => MapSamples.NamesOfThoseWithMemory;

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_new_map_is_charged_what_was_foretold(string sample)
    {
        var tree = new TreeOfThree();
        MapDefinition definition = MapSamples.Of(sample);
        MapFigures figures = MapSizes.Of(definition);
        using (GroupMap map = GroupMap.Create(tree.Leaf, definition))
        {
            Assert.Equal(figures.ChargedBytes, map.ChargedBytes);
            Assert.Equal(figures.MaxBytes, map.MaxBytes);
            Assert.Equal(figures.KernelMemlockBytes, MemlockFormulas.Of(definition, 0, KernelProfile.Default));
            AssertBalanced(tree.Leaf, map);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Charges_equal_allocations_while_8_threads_use_the_map(string sample)
    {
        var tree = new TreeOfThree();
        MapDefinition definition = MapSamples.Of(sample);
        using (GroupMap map = GroupMap.Create(tree.Leaf, definition))
        {
            Run(threads: 8, thread => Use(map, new Prng((ulong)thread + 1), operations: 4000));
            AssertBalanced(tree.Leaf, map);
            map.TransferTo(tree.Middle);
            AssertBalanced(tree.Middle, map);
            Assert.Equal(0, tree.Leaf.Kernel.CurrentBytes);
            Assert.True(map.ChargedBytes <= MapSizes.Of(definition).MaxBytes);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_map_changes_its_owner_while_8_threads_use_it(string sample)
    {
        var tree = new TreeOfThree();
        using (GroupMap map = GroupMap.Create(tree.Leaf, MapSamples.Of(sample)))
        {
            Run(threads: 8, thread =>
            {
                if (thread > 0) Use(map, new Prng((ulong)thread), operations: 2000);
                for (int i = 0; thread == 0 && i < 200; i++) map.TransferTo(i % 2 == 0 ? tree.Middle : tree.Leaf);
            });
            AssertBalanced(tree.Leaf, map);
            Assert.Equal(map.ChargedBytes, tree.Root.Kernel.CurrentBytes);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Theory]
    [MemberData(nameof(SamplesWithMemory))]
    public void A_map_that_does_not_fit_is_refused_and_leaves_nothing(string sample)
    {
        MapDefinition definition = MapSamples.Of(sample);
        long bytes = MapSizes.Of(definition).ChargedBytes;
        var tree = new TreeOfThree(middle: new() { MaxBytes = bytes - 1 });
        var refused = Assert.Throws<MemoryLimitExceededException>(() => GroupMap.Create(tree.Leaf, definition));
        Assert.Same(tree.Middle, refused.Refusal.Limiter);
        Assert.Equal([0, 0, 0], tree.Memory);
        tree.Middle.Memory.MaxBytes = bytes;
        GroupMap.Create(tree.Leaf, definition).Dispose();
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Theory]
    [MemberData(nameof(SamplesWithMemory))]
    public void A_transfer_that_a_limit_refuses_changes_nothing(string sample)
    {
        MapDefinition definition = MapSamples.Of(sample);
        var tree = new TreeOfThree();
        using GroupMap map = GroupMap.Create(tree.Leaf, definition);
        MemoryGroup small = tree.Root.CreateChild("small", new() { KernelMaxBytes = map.ChargedBytes - 1 });
        Assert.False(map.TryTransferTo(small, out ChargeRefusal refusal));
        Assert.Same(small, refusal.Limiter);
        Assert.Same(tree.Leaf, map.Group);
        AssertBalanced(tree.Leaf, map);
        Assert.Equal(0, small.Memory.CurrentBytes);
    }

    private static void AssertBalanced(MemoryGroup owner, GroupMap map)
    {
        Assert.Same(owner, map.Group);
        Assert.Equal(map.Memory.AllocatedBytes, map.ChargedBytes);
        Assert.Equal(map.ChargedBytes, owner.Kernel.CurrentBytes);
        Assert.Equal(map.ChargedBytes, owner.Memory.CurrentBytes);
    }

    private static void Use(GroupMap map, Prng random, int operations)
    {
        MapDefinition definition = map.Definition;
        int keyBytes = Math.Max(8, definition.KeyBytes);
        byte* key = stackalloc byte[keyBytes], next = stackalloc byte[keyBytes];
        byte* value = stackalloc byte[(int)Math.Max(8, map.HostValueBytes)];
        new Span<byte>(value, (int)map.HostValueBytes).Clear();
        for (int i = 0; i < operations; i++)
        {
            new Span<byte>(key, definition.KeyBytes).Clear();
            if (definition.KeyBytes >= 4) *(int*)key = random.Below(1500);
            byte* keyOrNone = definition.KeyBytes == 0 ? null : key;
            switch (random.Below(6))
            {
                case 0 or 1:
                    _ = map.Write(keyOrNone, value);
                    break;
                case 2 when keyOrNone != null:
                    _ = map.Remove(keyOrNone);
                    break;
                case 3:
                    _ = map.LookupAndDelete(keyOrNone, value);
                    break;
                case 4 when keyOrNone != null:
                    _ = map.NextKey(keyOrNone, next);
                    break;
                default:
                    _ = map.Read(keyOrNone, value);
                    break;
            }
        }
    }

    private static void Run(int threads, Action<int> body)
    {
        Exception? failure = null;
        var all = Enumerable.Range(0, threads)
            .Select(number => new Thread(() =>
            {
                try
                {
                    body(number);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref failure, e, null);
                }
            }))
            .ToList();
        all.ForEach(thread => thread.Start());
        all.ForEach(thread => thread.Join());
        Assert.Null(failure);
    }
}
