using Allot.Testing;

namespace Allot.Stress;

/// <summary>Flows stall, watches come and go, and groups are removed, all at once.</summary>
public sealed class PressureStressTests
{
    private const int Groups = 8, Flows = 3;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Watches_come_and_go_while_flows_stall(ulong seed)
    {
        int operations = Load.Operations(5_000);
        MemoryGroup parent = new MemoryController().Root.CreateChild("p");
        MemoryGroup[] groups = [.. Enumerable.Range(0, Groups).Select(i => parent.CreateChild($"g{i}"))];
        long told = 0;
        using IDisposable above = parent.WatchPressure(PressureTrigger.Parse("some 1 500000"), Note);
        Crew.Run(
            [
                .. Enumerable.Range(1, Flows).Select(i => (Action)(() => Stall(new Prng((seed * 100) + (ulong)i)))),
                () => Watch(new Prng(seed * 100)),
            ],
            watch: () => Assert.InRange(parent.ReadPressure().SomeTotal, TimeSpan.Zero, TimeSpan.MaxValue));
        using (PressureScope.Enter(parent))
        {
            SpinWait.SpinUntil(() => Volatile.Read(ref told) > 0);   // watching still works
        }

        void Note(PressureAlert alert)
        {
            Assert.True(alert.Stalled >= alert.Trigger.Stall);
            Interlocked.Increment(ref told);
        }

        void Stall(Prng random)
        {
            for (int i = 0; i < operations; i++)
            {
                using (PressureScope.Enter(Volatile.Read(ref groups[random.Below(Groups)]))) Thread.SpinWait(20);
            }
        }

        void Watch(Prng random)
        {
            var watches = new IDisposable?[20];
            for (int i = 0; i < operations; i++)
            {
                int index = random.Below(Groups), slot = random.Below(watches.Length);
                watches[slot]?.Dispose();
                watches[slot] = groups[index].WatchPressure(PressureTrigger.Parse("full 1 500000"), Note);
                if (!random.OneIn(10)) continue;
                MemoryGroup old = groups[index];
                Volatile.Write(ref groups[index], parent.CreateChild($"n{i}"));
                old.Remove();
                Assert.Throws<InvalidOperationException>(() => old.WatchPressure(PressureTrigger.Parse("some 1 500000"), Note));
            }

            foreach (IDisposable? watch in watches) watch?.Dispose();
        }
    }
}
