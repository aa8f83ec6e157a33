namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to reclaim, compiled and run.</summary>
public sealed class ReclaimSnippets
{
    [Fact]
    public void Register_a_cache()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("cache", new() { MaxBytes = 1 << 20 });
        IReclaimer cache = new Reclaim.TestCache(new MemoryController().Root.CreateChild("other"));

        #region register-reclaimer
        using IDisposable registration = group.Register(cache, new ReclaimerOptions
        {
            Cost = 4,               // twice as dear to fill again as others: asked for half as much
            BatchBytes = 1 << 20,   // less is not worth the trouble
        });
        #endregion

        Assert.Equal(0, group.Reclaim(1));
    }

    [Fact]
    public void Protect_a_group()
    {
        MemoryGroup tenants = new MemoryController().Root.CreateChild("tenants", new() { MaxBytes = 64 << 20 });

        #region protect
        tenants.LowBytes = 40 << 20;   // what a group does not have itself, its children cannot have
        MemoryGroup index = tenants.CreateChild("index", new MemoryGroupOptions { MinBytes = 8 << 20 });
        MemoryGroup acme = tenants.CreateChild("acme", new MemoryGroupOptions { LowBytes = 16 << 20 });
        MemoryGroup trial = tenants.CreateChild("trial");   // gives first
        #endregion

        Assert.Equal((8 << 20, 16 << 20, 0), (index.MinBytes, acme.LowBytes, trial.LowBytes));
    }

    [Fact]
    public async Task Slow_a_group_down_and_see_it_wait()
    {
        var time = new Reclaim.SkippingTime();
        MemoryGroup acme = new MemoryController(options: new() { Time = time }).Root.CreateChild("acme");
        CancellationToken token = TestContext.Current.CancellationToken;

        #region high
        acme.HighBytes = 48 << 20;
        acme.Memory.MaxBytes = 64 << 20;
        acme.Charge(MemoryKind.User, 49 << 20);   // succeeds; reclaims, and waits if that was not enough

        MemoryEvents events = acme.ReadEvents();
        Console.WriteLine($"above high {events.High} times, {events.HighDelays} delays");
        Console.Write(acme.ReadPressure());       // some avg10=... avg60=... avg300=... total=(microseconds)
        #endregion

        Assert.Equal((1, 1), (events.High, events.HighDelays));
        Assert.Equal(time.Slept, acme.ReadPressure().SomeTotal);

        #region set-high
        long freedBytes = await acme.SetHighAsync(32 << 20, token);   // set at once, then reclaimed by a thread of the pool
        #endregion

        Assert.Equal(0, freedBytes);
    }

    [Fact]
    public void Be_told_of_pressure()
    {
        var time = new Reclaim.SteppedTime();
        MemoryGroup acme = new MemoryController(options: new() { Time = time }).Root.CreateChild("acme");

        #region watch-pressure
        var trigger = new PressureTrigger
        {
            Kind = PressureKind.Some,
            Stall = TimeSpan.FromMilliseconds(150),   // this much stall
            Window = TimeSpan.FromSeconds(1),         // within any second
        };
        using IDisposable watch = acme.WatchPressure(trigger, alert => Console.WriteLine(
            $"'{alert.Group.Path}' was stalled for {alert.Stalled.TotalMilliseconds} ms of the last {alert.Trigger.Window}"));
        #endregion

        using (PressureScope.Enter(acme)) time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("some 150000 1000000", $"{trigger}");
    }

    [Fact]
    public void Reclaim_on_demand()
    {
        MemoryGroup tenants = new MemoryController().Root.CreateChild("tenants");

        #region reclaim-on-demand
        long freedBytes = tenants.Reclaim(16 << 20);   // what was really given back; may be 0
        #endregion

        Assert.Equal(0, freedBytes);
    }
}
