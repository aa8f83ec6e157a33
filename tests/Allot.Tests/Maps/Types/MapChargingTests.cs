using System.Text;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Types;

/// <summary>What a map is charged is what it has allocated: when it is made, in use, after a transfer, at its
/// end.</summary>
public sealed unsafe class MapChargingTests
{
    public static TheoryData<string> Samples => MapSamples.Names;

    public static TheoryData<string> SamplesThatGrow => MapSamples.NamesOfThoseThatGrow;

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

    [Fact]
    public void Every_type_has_a_sample()
    {
        // The BPF machine makes arrays of programs, and has their tests; the last type is newer than the kernel profile.
        MapType[] without = [MapType.None, MapType.ProgramArray, MapType.InstructionArray];
        var sampled = MapSamples.All.Select(sample => sample.Type).ToHashSet();
        Assert.Equal(Enum.GetValues<MapType>().Except(without).Order(), sampled.Order());
        foreach (MapType type in without)
        {
            var definition = new MapDefinition { Type = type, KeyBytes = 4, ValueBytes = 4, Capacity = 4 };
            Assert.Throws<MapRefusedException>(() => GroupMap.Create(new TreeOfThree().Leaf, definition));
        }
    }

    // The group of the map pays, not the current one of the thread that uses it.
    [Theory]
    [MemberData(nameof(Samples))]
    public void Charges_equal_allocations_while_8_threads_use_the_map(string sample)
    {
        var tree = new TreeOfThree();
        MapDefinition definition = MapSamples.Of(sample);
        MemoryGroup bystander = tree.Root.CreateChild("bystander");
        using (var owners = new MapOwners())
        using (GroupMap map = GroupMap.Create(tree.Leaf, definition))
        {
            long createdBytes = map.ChargedBytes;
            var work = new MapWork(map, owners);
            int done = 0;
            Crew.Run(threads: 8, thread =>
            {
                using ActiveGroupScope scope = bystander.Enter();
                var random = new Prng((ulong)thread + 1);
                for (int i = 0; i < 4000; i++)
                {
                    if (work.Do(random) >= 0) Interlocked.Increment(ref done);
                }
            });
            Assert.True(done > 0, "Nothing that was tried is possible.");
            Assert.Equal(MapSamples.Grows(definition), tree.Leaf.Kernel.PeakBytes > createdBytes);
            AssertBalanced(tree.Leaf, map);
            map.TransferTo(tree.Middle);
            AssertBalanced(tree.Middle, map);
            Assert.Equal(0, tree.Leaf.Kernel.CurrentBytes);
            Assert.True(map.ChargedBytes <= MapSizes.Of(definition).MaxBytes);
        }

        Assert.Equal(0, bystander.Memory.PeakBytes);
        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_map_changes_its_owner_while_8_threads_use_it(string sample)
    {
        var tree = new TreeOfThree();
        using (var owners = new MapOwners())
        using (GroupMap map = GroupMap.Create(tree.Leaf, MapSamples.Of(sample)))
        {
            var work = new MapWork(map, owners);
            Crew.Run(threads: 8, thread =>
            {
                var random = new Prng((ulong)thread);
                for (int i = 0; thread > 0 && i < 2000; i++) _ = work.Do(random);
                for (int i = 0; thread == 0 && i < 200; i++) map.TransferTo(i % 2 == 0 ? tree.Middle : tree.Leaf);
            });
            AssertBalanced(tree.Leaf, map);
            Assert.Equal(map.ChargedBytes, tree.Root.Kernel.CurrentBytes);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Theory]
    [MemberData(nameof(SamplesThatGrow))]
    public void What_a_limit_refuses_leaves_the_map_as_it_was_and_names_the_limit(string sample)
    {
        var tree = new TreeOfThree();
        using (var owners = new MapOwners())
        using (GroupMap map = GroupMap.Create(tree.Leaf, MapSamples.Of(sample)))
        {
            var work = new MapWork(map, owners);
            var random = new Prng(1);
            for (int i = 0; i < 40; i++) _ = work.Do(random);
            Assert.Equal(default, map.LastRefusal);
            int refused = 0;
            for (int i = 0; i < 5000 && refused < 5; i++)
            {
                tree.Middle.Memory.MaxBytes = map.ChargedBytes;
                string before = ContentsOf(map);
                if (work.Do(random) != MapErrors.NoMemory) continue;
                refused++;
                Assert.Same(tree.Middle, map.LastRefusal.Limiter);
                Assert.Equal(before, ContentsOf(map));
                AssertBalanced(tree.Leaf, map);
            }

            Assert.Equal(5, refused);
        }

        Assert.Equal([0, 0, 0], tree.Memory);
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

    // Elements by the order in which the map lists them, as far as it does.
    private static string ContentsOf(GroupMap map)
    {
        var contents = new StringBuilder($"{map.ChargedBytes} bytes, {map.Count}:");
        int keyBytes = map.Definition.KeyBytes;
        byte[] buffer = new byte[(2 * keyBytes) + map.HostValueBytes];
        fixed (byte* key = buffer)
        {
            byte* before = null, next = key + keyBytes, value = next + keyBytes;
            while (keyBytes > 0 && map.NextKey(before, next) == MapErrors.None)
            {
                buffer.AsSpan(keyBytes, keyBytes).CopyTo(buffer);
                before = key;
                if (map.Read(key, value) == MapErrors.None) contents.Append(Convert.ToHexString(buffer)).Append(';');
            }
        }

        return contents.ToString();
    }
}
