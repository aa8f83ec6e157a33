namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to running out of memory, compiled and run.</summary>
public sealed class OutOfMemorySnippets
{
    [Fact]
    public void Kill_a_group()
    {
        MemoryGroup tenant = new MemoryController().Root.CreateChild("tenant");
        var session = new Session();

        #region kill
        tenant.Killed.Register(static state => ((Session)state!).Close(), session);   // let go of everything
        tenant.Kill("the account was closed");
        Console.WriteLine(tenant.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal));   // False
        Console.WriteLine(refusal);   // ... the group was killed by Kill: the account was closed.
        tenant.Remove();              // when its owner is done; the name can be used again
        #endregion

        Assert.True(session.IsClosed);
        Assert.EndsWith("the group was killed by Kill: the account was closed.", refusal.ToString());
    }

    [Fact]
    public void Name_a_policy()
    {
        #region out-of-memory-policy
        var controller = new MemoryController(new MemoryGroupOptions { MaxBytes = 1 << 30 }, new MemoryControllerOptions
        {
            OutOfMemoryPolicy = OutOfMemoryPolicy.Priority,
            OutOfMemoryGrace = TimeSpan.FromSeconds(2),   // how long a killed group may take to let go
        });
        MemoryGroup batch = controller.Root.CreateChild("batch", new MemoryGroupOptions { OutOfMemoryPriority = 10 });
        MemoryGroup acme = controller.Root.CreateChild("acme", new MemoryGroupOptions { KillsAsOne = true });
        MemoryGroup billing = controller.Root.CreateChild("billing");
        billing.OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled;
        #endregion

        batch.Charge(MemoryKind.User, 1);
        acme.Charge(MemoryKind.User, 2);
        billing.Charge(MemoryKind.User, 3);
        Assert.Equal("/batch", controller.PreviewOutOfMemory(controller.Root).VictimPath);

        #region out-of-memory-preview
        OutOfMemoryDecision preview = controller.PreviewOutOfMemory(controller.Root);
        Console.WriteLine(preview);          // who would be killed now, and why; nothing is done
        using IDisposable observation = controller.ObserveOutOfMemory(decision => Console.WriteLine(decision));
        foreach (OutOfMemoryDecision decision in controller.OutOfMemoryDecisions)   // the last 16
        {
            Console.WriteLine($"{decision.Time:O} {decision.VictimPath}: {decision.Reason}");
        }
        #endregion

        Assert.Equal(MemoryGroupState.Online, batch.State);
    }

    [Fact]
    public void A_policy_of_your_own()
    {
        var controller = new MemoryController(
            new() { MaxBytes = 100 }, new() { OutOfMemoryPolicy = new LargestTenant() });
        MemoryGroup many = controller.Root.CreateChild("many"), one = controller.Root.CreateChild("one");
        one.Charge(MemoryKind.User, 30);
        for (int i = 0; i < 3; i++) many.CreateChild($"{i}").Charge(MemoryKind.User, 20);
        OutOfMemoryDecision preview = controller.PreviewOutOfMemory(controller.Root);
        Assert.Equal(("/many", "it is the largest tenant, 60 bytes"), (preview.VictimPath, preview.Reason));
    }

    #region own-policy
    private sealed class LargestTenant : IOutOfMemoryPolicy
    {
        public OutOfMemoryChoice Choose(OutOfMemoryContext context)
        {
            OutOfMemoryCandidate? largest = null;
            foreach (OutOfMemoryCandidate candidate in context.Candidates)
            {
                bool isTenant = candidate.Group.Parent == context.Limiter;
                candidate.Score = isTenant ? candidate.TotalBytes : 0;   // recorded with the decision
                if (isTenant && candidate.Score > (largest?.Score ?? 0)) largest = candidate;
            }

            return largest is null
                ? OutOfMemoryChoice.Refuse("no tenant holds anything")
                : OutOfMemoryChoice.Kill(largest.Group, $"it is the largest tenant, {largest.TotalBytes} bytes");
        }
    }
    #endregion

    private sealed class Session
    {
        public bool IsClosed { get; private set; }

        public void Close() => IsClosed = true;
    }
}
