using Allot.Processes.Native;
using Allot.Processes.Supervision;

namespace Allot.Processes.Tests.Supervision;

public sealed class RefusalCountsTests
{
    [Fact]
    public void Most_frequent_first_then_by_name()
    {
        var counts = new RefusalCounts();
        Assert.Empty(counts.Read());
        foreach (string call in new[] { "pipe2", "mkdir", "mkdir", "clone" }) counts.Count(call, Errno.ENOMEM);
        counts.Count("clone", Errno.EAGAIN);
        counts.Count("clone", Errno.EAGAIN);
        counts.Count("clone", Errno.EAGAIN);
        Assert.Equal(
            [("clone", Errno.EAGAIN, 3), ("mkdir", Errno.ENOMEM, 2), ("clone", Errno.ENOMEM, 1), ("pipe2", Errno.ENOMEM, 1)],
            counts.Read());
    }

    [Fact]
    public void What_was_read_does_not_change()
    {
        var counts = new RefusalCounts();
        counts.Count("mkdir", Errno.ENOMEM);
        var read = counts.Read();
        counts.Count("mkdir", Errno.ENOMEM);
        Assert.Equal(1, Assert.Single(read).Count);
    }
}
