namespace Allot.Tests.Issues;

/// <summary>A reader that holds moves up reads in peace: a mover that waits for it counts no moves meanwhile. Otherwise
/// the two wait for each other for as long as the reading takes longer than a turn of the waiting mover, which it does
/// in a deep tree and with many threads.</summary>
public sealed class MovesHeldUpTests
{
    private readonly ReserveMoves _moves = new();

    [Fact]
    public void Who_waits_to_move_begins_nothing()
    {
        _moves.HoldUp();
        var mover = new Thread(() =>
        {
            _moves.Begin();
            _moves.End();
        });
        mover.Start();
        SpinWait.SpinUntil(() => mover.ThreadState == ThreadState.Running);
        Pass();   // the mover may have begun before it saw that it must not, but only once
        long ended = _moves.Ended;
        Pass();
        bool isQuiet = _moves.NoneSince(ended);
        _moves.LetGo();
        mover.Join();
        Assert.True(isQuiet);
    }

    [Fact]
    public void Who_would_move_and_does_not_wait_begins_nothing()
    {
        _moves.HoldUp();
        long ended = _moves.Ended;
        Assert.False(_moves.TryBegin());
        Assert.True(_moves.NoneSince(ended));
        _moves.LetGo();
        Assert.True(_moves.TryBegin());
        _moves.End();
    }

    private static void Pass()
    {
        for (int i = 0; i < 1_000; i++) Thread.Yield();
    }
}
