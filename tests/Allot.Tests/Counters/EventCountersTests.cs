namespace Allot.Tests;

public sealed class EventCountersTests
{
    [Fact]
    public void Every_kind_is_counted_by_itself_here_and_in_total()
    {
        var events = new EventCounters();
        foreach (EventKind kind in Enum.GetValues<EventKind>())
        {
            for (int i = 0; i <= (int)kind; i++) Assert.Equal(i + 1, events.CountLocal(kind));
            events.CountTotal(kind);
        }

        Assert.All(Enum.GetValues<EventKind>(), kind =>
        {
            Assert.Equal((int)kind + 1, events.Local(kind));
            Assert.Equal(1, events.Total(kind));
        });
    }
}
