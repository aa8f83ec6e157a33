namespace Allot.Tests.Scopes;

/// <summary>The lock that is held across await, and its scope.</summary>
public sealed class AsyncScopedLockTests
{
    private static AllocationRestrictions Here => AllocationContext.Restrictions;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task B32_who_awaits_the_lock_is_in_its_scope_until_it_is_left()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoFs);
        using (await engine.EnterAsync(Token))
        {
            Assert.True(engine.IsHeld);
            Assert.Equal(AllocationRestrictions.NoFs, Here);
            await Task.Yield();
            Assert.Equal(AllocationRestrictions.NoFs, Here);
            await Task.Run(() => Assert.Equal(AllocationRestrictions.NoFs, Here), Token);
        }

        Assert.Equal((false, AllocationRestrictions.None), (engine.IsHeld, Here));
    }

    [Fact]
    public async Task B32_who_had_to_wait_is_in_the_scope_too_and_one_after_the_other()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoIo);
        int inside = 0, total = 0;
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(Work, Token)));
        Assert.Equal((50, false, AllocationRestrictions.None), (total, engine.IsHeld, Here));

        async Task Work()
        {
            Assert.Equal(AllocationRestrictions.None, Here);
            using (await engine.EnterAsync(Token).ConfigureAwait(false))
            {
                Assert.Equal(1, ++inside);
                await Task.Yield();
                Assert.Equal(AllocationRestrictions.NoIo, Here);
                total++;
                inside--;
            }

            Assert.Equal(AllocationRestrictions.None, Here);
        }
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_takes_nothing_and_enters_nothing()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoIo);
        using AsyncScopedLock.Holder holder = await engine.EnterAsync(Token);
        using var cancellation = new CancellationTokenSource();
        AsyncScopedLock.Entering waiting = engine.EnterAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        Assert.Equal(AllocationRestrictions.NoIo, Here);
        holder.Dispose();
        holder.Dispose();
        Assert.Equal((false, AllocationRestrictions.None), (engine.IsHeld, Here));
    }

    [Fact]
    public async Task A_lock_that_a_callee_has_given_back_leaves_no_scope_behind_and_is_found()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoFs);
        AsyncScopedLock.Holder holder = await engine.EnterAsync(Token);
        await GiveBack();
        Assert.Equal((false, AllocationRestrictions.NoFs), (engine.IsHeld, Here));
        using (await engine.EnterAsync(Token)) Assert.True(engine.IsHeld);
        Assert.Throws<ScopeMisuseException>(holder.Dispose);
        Assert.Equal((false, AllocationRestrictions.None), (engine.IsHeld, Here));
        holder.Dispose();
        Assert.False(engine.IsHeld);

        async Task GiveBack()
        {
            await Task.Yield();
            holder.Dispose();
        }
    }

    [Fact]
    public async Task A_lock_is_still_held_when_it_was_left_in_a_flow_that_is_not_in_its_scope()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoFs);
        AsyncScopedLock.Holder holder = await engine.EnterAsync(Token);
        var tried = new TaskCompletionSource<Exception?>();
        ThreadPool.UnsafeQueueUserWorkItem(_ => tried.SetResult(Record.Exception(holder.Dispose)), null);
        Assert.IsType<ScopeMisuseException>(await tried.Task.WaitAsync(Token));
        Assert.True(engine.IsHeld);
        holder.Dispose();
        Assert.False(engine.IsHeld);
    }

    [Fact]
    public async Task A_wait_that_is_awaited_twice_takes_the_lock_once()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoFs);
        AsyncScopedLock.Entering waiting = engine.EnterAsync(Token);
        using (await waiting)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await waiting.ConfigureAwait(false));
            Assert.True(engine.IsHeld);
        }

        Assert.Equal((false, AllocationRestrictions.None), (engine.IsHeld, Here));
    }

    [Fact]
    public async Task A_lock_that_is_left_before_a_scope_inside_of_it_is_still_held()
    {
        using var engine = new AsyncScopedLock(AllocationRestrictions.NoFs);
        AsyncScopedLock.Holder holder = await engine.EnterAsync(Token);
        using (FlowingScope.NoIo())
        {
            Assert.Throws<ScopeMisuseException>(holder.Dispose);
            Assert.True(engine.IsHeld);
        }

        holder.Dispose();
        Assert.False(engine.IsHeld);
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncScopedLock(AllocationRestrictions.Atomic));
    }
}
