using Allot.Maps;
using Allot.Testing;

namespace Allot.Stress;

/// <summary>Eight threads on one map that drops what was not used for long, of each kind, while its owner changes. At
/// every quiet point all of it is walked: lists of use, buckets, elements, charges.</summary>
public sealed class LruStressTests
{
    private const int Threads = 8, Phases = 5, Steps = 40_000;

    public static TheoryData<int, int> Shapes => new(
        from kind in Enumerable.Range(0, 4)
        from capacity in new[] { 24, 1000, 20_000 }
        select (kind, capacity));

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_order_of_use_survives_eight_threads(int kind, int capacity)
    {
        MapDefinition definition = LruLoad.Kinds(capacity).ElementAt(kind);
        foreach (ulong seed in Load.Seeds)
        {
            MemoryGroup root = new MemoryController().Root;
            MemoryGroup[] owners = [root.CreateChild("a"), root.CreateChild("b")];
            using (var map = new LruHashMap(owners[0], definition, LruLoad.Processors))
            {
                for (int phase = 0; phase < Phases; phase++)
                {
                    Crew.Run(
                        [.. Enumerable.Range(0, Threads).Select(thread => (Action)(() => LruLoad.Work(
                            map, (seed << 16) + (ulong)((phase * Threads) + thread), Load.Operations(Steps / Phases))))],
                        watch: () => map.TransferTo(owners[map.Group == owners[0] ? 1 : 0]));
                    LruLoad.Check(map);
                    Assert.Equal(map.ChargedBytes, root.Kernel.CurrentBytes);
                }
            }

            Assert.Equal(0, root.Memory.CurrentBytes);
            Assert.Equal(0, root.ReadEvents().AccountingErrors);
        }
    }
}
