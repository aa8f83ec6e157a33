using Allot.Testing;

namespace Allot.Stress;

/// <summary>Threads that charge tenants under a limit that is far below the load, with a policy that kills, other
/// threads that kill as well, and new tenants in place of the dead: no charge succeeds after a kill has returned, each
/// kill is counted once, and everything ends at zero.</summary>
public sealed class KillStressTests(ITestOutputHelper output)
{
    private const int Tenants = 10;
    private const long MaxBytes = 20_000;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Charging_while_groups_are_killed_ends_at_zero(ulong seed)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        var tree = new MemoryController(new() { MaxBytes = MaxBytes }, new()
        {
            OutOfMemoryPolicy = seed % 2 == 0 ? OutOfMemoryPolicy.Largest : OutOfMemoryPolicy.Priority,
            OutOfMemoryGrace = TimeSpan.FromMilliseconds(20),
        });
        int names = 0;
        Tenant[] tenants = [.. Enumerable.Range(0, Tenants).Select(i => NewTenant(new Prng((ulong)i)))];
        var all = new System.Collections.Concurrent.ConcurrentBag<Tenant>(tenants);
        long killedByHand = 0, refused = 0, late = 0;
        int operations = Load.Operations(3_000);

        Crew.Run(
            [
                .. Enumerable.Range(1, Load.Workers).Select(i => (Action)(() => Work(new Prng((seed * 100) + (ulong)i)))),
                () => KillSome(new Prng(seed * 100)),
            ],
            watch: () => Assert.InRange(tree.Root.Memory.CurrentBytes, 0, MaxBytes));

        foreach (Tenant tenant in all) tenant.Close();
        Assert.Empty(TreeWalk.FindViolations(tree));
        Assert.Equal((0, 0), (tree.Root.Memory.CurrentBytes, tree.Root.Memory.ReservedBytes));
        Assert.Equal(0, late);
        MemoryEvents events = tree.Root.ReadEvents();
        Assert.Equal(0, events.AccountingErrors);
        long killed = all.Sum(tenant => tenant.Groups.Count(group => group.KillReason is not null));
        Assert.Equal(killed, events.OomKill + killedByHand);
        Assert.Equal(events.OomKill, all.Sum(tenant => tenant.Groups.Sum(group => group.ReadLocalEvents().OomKill)));
        Assert.True(events.OomKill > 0 && killedByHand > 0, "Nobody was killed: the test proves nothing.");
        output.WriteLine($"{events.Oom} decisions, {events.OomKill} groups killed by the policy and {killedByHand} by "
            + $"hand, {refused} charges refused");

        void Work(Prng random)
        {
            for (int i = 0; i < operations; i++)
            {
                int index = random.Below(Tenants);
                Tenant tenant = Volatile.Read(ref tenants[index]);
                MemoryGroup group = tenant.Groups[random.Below(tenant.Groups.Length)];
                bool wasKilled = tenant.KillHasReturned;
                bool charged = tenant.TryCharge(group, (MemoryKind)random.Below(2), 1 + random.Below(400), random.OneIn(3));
                if (charged && wasKilled) Interlocked.Increment(ref late);
                if (charged) continue;
                Interlocked.Increment(ref refused);
                if (group.State == MemoryGroupState.Online) continue;
                Tenant replacement = NewTenant(random);
                all.Add(replacement);
                if (Interlocked.CompareExchange(ref tenants[index], replacement, tenant) == tenant) tenant.Close();
            }
        }

        void KillSome(Prng random)
        {
            for (int i = 0; i < operations / 10; i++)
            {
                Tenant tenant = Volatile.Read(ref tenants[random.Below(Tenants)]);
                string reason = $"by hand {i}";
                tenant.Top.Kill(reason);
                tenant.KillHasReturned = true;
                Interlocked.Add(ref killedByHand, tenant.Groups.Count(group => group.KillReason == reason));
                tree.PreviewOutOfMemory(tree.Root);
                if (random.OneIn(20)) tree.Root.Memory.MaxBytes = MaxBytes - random.Below(5_000);
            }
        }

        Tenant NewTenant(Prng random) =>
            new(tree.Root.CreateChild($"{Interlocked.Increment(ref names)}", new()
            {
                KillsAsOne = random.OneIn(2),
                OutOfMemoryPriority = random.Below(3),
            }));
    }

    /// <summary>A group with two below it, and all that is charged to them; lets go when it is killed.</summary>
    private sealed class Tenant
    {
        private readonly Lock _lock = new();
        private readonly List<(MemoryGroup Group, MemoryKind Kind, long Bytes)> _held = [];
        private volatile bool _killHasReturned;

        public Tenant(MemoryGroup top)
        {
            Top = top;
            Groups = [top, top.CreateChild("a"), top.CreateChild("b")];
            foreach (MemoryGroup group in Groups) group.Killed.Register(() => LetGo(group));
        }

        public MemoryGroup Top { get; }

        public MemoryGroup[] Groups { get; }

        public bool KillHasReturned
        {
            get => _killHasReturned;
            set => _killHasReturned = value;
        }

        public bool TryCharge(MemoryGroup group, MemoryKind kind, long bytes, bool insists)
        {
            if (!group.TryCharge(kind, bytes, out _))
            {
                if (!insists) return false;
                try
                {
                    group.Charge(kind, bytes);
                }
                catch (MemoryLimitExceededException)
                {
                    return false;
                }
            }

            lock (_lock) _held.Add((group, kind, bytes));
            if (group.State != MemoryGroupState.Online) LetGo(group);
            return true;
        }

        public void Close()
        {
            foreach (MemoryGroup group in Groups) LetGo(group);
            for (int i = Groups.Length - 1; i >= 0; i--) Groups[i].Remove();
        }

        private void LetGo(MemoryGroup group)
        {
            (MemoryGroup Group, MemoryKind Kind, long Bytes)[] gone;
            lock (_lock)
            {
                gone = [.. _held.Where(held => held.Group == group)];
                _held.RemoveAll(held => held.Group == group);
            }

            foreach ((MemoryGroup _, MemoryKind kind, long bytes) in gone) group.Uncharge(kind, bytes);
        }
    }
}
