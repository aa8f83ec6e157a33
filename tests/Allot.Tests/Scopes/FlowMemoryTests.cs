using System.Runtime.CompilerServices;

namespace Allot.Tests.Scopes;

/// <summary>What a thread remembers of the flow it works for: never of another one, and nothing is kept alive by it.
/// </summary>
public sealed class FlowMemoryTests
{
    private static readonly AsyncLocal<object?> s_other = new();

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g");

    private static (AllocationRestrictions, MemoryGroup?) Here => (AllocationContext.Restrictions, MemoryGroup.Current);

    // What a thread of a server is between two requests: it has looked at its context, and now waits.
    [Fact]
    public void A_thread_that_waits_keeps_nothing_of_the_flow_that_it_has_served()
    {
        using var served = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        var carried = new List<WeakReference>();
        CancellationToken token = TestContext.Current.CancellationToken;
        var thread = new Thread(() =>
        {
            ServeOne(carried);
            served.Set();
            end.Wait(token);
        });
        thread.Start();
        served.Wait(token);
        for (int i = 0; i < 10 && carried.Exists(one => one.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        bool[] areAlive = [.. carried.Select(one => one.IsAlive)];
        end.Set();
        thread.Join();
        Assert.Equal([false, false, false], areAlive);
    }

    [Fact]
    public void What_is_remembered_goes_with_its_thread()
    {
        using FlowingScope noFs = FlowingScope.NoFs();
        using FlowingScope active = _group.EnterFlow();
        for (int i = 0; i < 200; i++)
        {
            var thread = new Thread(() => Assert.Equal((AllocationRestrictions.NoFs, _group), Here));
            thread.Start();
            thread.Join();
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal((AllocationRestrictions.NoFs, _group), Here);
    }

    [Fact]
    public void Where_the_flow_is_suppressed_its_scopes_still_hold_on_the_thread()
    {
        using FlowingScope noFs = FlowingScope.NoFs();
        using FlowingScope active = _group.EnterFlow();
        MemoryGroup inner = _group.CreateChild("inner"), ofThread = _group.CreateChild("thread");
        using (ExecutionContext.SuppressFlow())
        {
            Assert.Equal((AllocationRestrictions.NoFs, _group), Here);
            using (ofThread.Enter())
            {
                Assert.Equal(ofThread, MemoryGroup.Current);
                using (FlowingScope.NoIo())
                using (inner.EnterFlow())
                {
                    Assert.Equal((AllocationRestrictions.NoFs | AllocationRestrictions.NoIo, inner), Here);
                    using (ofThread.Enter()) Assert.Equal(ofThread, MemoryGroup.Current);
                    Assert.Equal(inner, MemoryGroup.Current);
                }

                Assert.Equal((AllocationRestrictions.NoFs, ofThread), Here);
            }

            Assert.Equal((AllocationRestrictions.NoFs, _group), Here);
        }

        Assert.Equal((AllocationRestrictions.NoFs, _group), Here);
    }

    [Fact]
    public void A_thread_scope_that_is_left_in_another_flow_is_left_in_all()
    {
        MemoryGroup ofThread = _group.CreateChild("thread");
        using FlowingScope active = _group.EnterFlow();
        Assert.Equal(_group, MemoryGroup.Current);
        ActiveGroupScope scope = ofThread.Enter();
        Assert.Equal(ofThread, MemoryGroup.Current);
        ExecutionContext here = ExecutionContext.Capture()!;
        s_other.Value = this;
        scope.Dispose();
        Assert.Equal(_group, MemoryGroup.Current);
        ExecutionContext.Restore(here);   // the context in which the scope was the inner one
        Assert.Equal(_group, MemoryGroup.Current);
    }

    [Fact]
    public void Another_AsyncLocal_that_is_set_inside_of_a_scope_keeps_its_value_when_it_is_left()
    {
        using (FlowingScope.NoFs())
        using (_group.EnterFlow())
        {
            s_other.Value = this;
            Assert.Equal((AllocationRestrictions.NoFs, _group), Here);
        }

        Assert.Equal(this, s_other.Value);
        Assert.Equal((AllocationRestrictions.None, null), Here);
        s_other.Value = null;
    }

    [Fact]
    public void A_scope_that_restricts_is_not_a_scope_without_a_group()
    {
        using FlowingScope active = _group.EnterFlow();
        using FlowingScope noFs = FlowingScope.NoFs();
        Assert.Equal(_group, MemoryGroup.Current);
        using FlowingScope nobody = FlowingScope.ActiveGroup(null);
        using FlowingScope noIo = FlowingScope.NoIo();
        Assert.Equal((AllocationRestrictions.NoFs | AllocationRestrictions.NoIo, null), Here);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ServeOne(List<WeakReference> carried)
    {
        // A flow that is never left, and runs where nothing of it is on the stack afterwards.
        ExecutionContext.Run(
            ExecutionContext.Capture()!,
            _ =>
            {
                MemoryGroup tenant = new MemoryController().Root.CreateChild("tenant");
                object ofRequest = new();
                s_other.Value = ofRequest;
                FlowingScope noFs = FlowingScope.NoFs();
                FlowingScope active = tenant.EnterFlow();
                Assert.Equal((AllocationRestrictions.NoFs, tenant), Here);
                carried.AddRange([new(ofRequest), new(tenant), new(active)]);
                GC.KeepAlive(noFs);
            },
            null);
    }
}
