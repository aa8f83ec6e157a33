namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to scopes, compiled and run.</summary>
[Collection(Scopes.ChecksSwitch.Name)]
public sealed class ScopeSnippets
{
    private static readonly ManualResetEventSlim s_refreshed = new();

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g", new() { MaxBytes = 8192 });

    [Fact]
    public void Hold_a_lock()
    {
        MemoryGroup group = _group;
        var engine = new Lock();

        #region scope-lock
        lock (engine)
        {
            using ThreadScope noFs = AllocationScope.NoFs();
            group.Charge(MemoryKind.User, 4096);   // does not call reclaimers that need FileSystem
        }
        #endregion

        #region scoped-lock
        var engineLock = new ScopedLock(AllocationRestrictions.NoFs, "engine");
        using (engineLock.Enter())
        {
            group.Charge(MemoryKind.User, 4096);
        }
        #endregion

        Assert.Equal(8192, group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Hold_a_lock_across_await()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        AllocationRestrictions seen = default;

        #region async-lock
        using var asyncLock = new AsyncScopedLock(AllocationRestrictions.NoFs);
        using (await asyncLock.EnterAsync(token))
        {
            await WriteBackAsync();   // in NoFs, wherever it runs
        }
        #endregion

        Assert.Equal(AllocationRestrictions.NoFs, seen);

        async Task WriteBackAsync()
        {
            await Task.Yield();
            seen = AllocationContext.Restrictions;
        }
    }

    [Fact]
    public void Do_not_wait()
    {
        MemoryGroup group = _group;
        int dropped = 0;
        for (int i = 0; i < 3; i++)
        {
            #region scope-atomic
            using (AllocationScope.Atomic())
            {
                if (!group.TryCharge(MemoryKind.User, 4096, out ChargeRefusal refusal)) DropThePacket(refusal);
            }
            #endregion
        }

        Assert.Equal(1, dropped);

        void DropThePacket(ChargeRefusal refusal) => dropped += refusal.Reason == RefusalReason.LimitReached ? 1 : 0;
    }

    [Fact]
    public async Task Charge_who_is_meant()
    {
        MemoryGroup acme = _group;

        #region scope-flow
        using (acme.EnterFlow())
        {
            await Task.Yield();
            MemoryGroup? payer = AmbientCharging.Charge(MemoryKind.User, 4096);   // acme, or its parent if it was removed
            payer?.Uncharge(MemoryKind.User, 4096);                               // later, and wherever that is
        }
        #endregion

        #region scope-timer
        using var timer = new Timer(
            _ =>
            {
                using ActiveGroupScope active = acme.Enter();
                Refresh();   // what is charged in there is charged to acme
            },
            state: null, dueTime: 0, period: Timeout.Infinite);
        #endregion

        s_refreshed.Wait(TestContext.Current.CancellationToken);
        Assert.Equal(1, acme.Memory.CurrentBytes);

        static void Refresh()
        {
            AmbientCharging.Charge(MemoryKind.User, 1);
            s_refreshed.Set();
        }
    }

    [Fact]
    public void Find_mistakes()
    {
        bool before = AllocationChecks.IsEnabled;

        #region scope-checks
        AllocationChecks.IsEnabled = true;
        using IDisposable observation = AllocationChecks.Observe(report => Console.Error.WriteLine(report));
        #endregion

        using (AllocationScope.DenyAllocations())
        {
            Assert.Throws<AllocationDeniedException>(() => _group.Charge(MemoryKind.User, 1));
        }

        AllocationChecks.IsEnabled = before;
    }

    [Fact]
    public void Clean_up()
    {
        MemoryGroup group = _group;
        group.Charge(MemoryKind.User, 8192);

        #region scope-cleanup
        using (AllocationScope.NoThrowOnLimit())
        {
            group.Charge(MemoryKind.User, 512);   // passes the limit if it has to, which is counted
        }
        #endregion

        Assert.Equal(1, group.ReadEvents().MemoryForced);
    }
}
