using Allot.Tests.Reclaim;

namespace Allot.Tests.Files;

public sealed class MemoryReclaimFileTests
{
    private const long Mi = 1 << 20;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("a");

    [Fact]
    public void M8_proactive_reclaim_reaches_its_goal_in_five_tries()
    {
        const long Goal = 30 * Mi;
        using TestCache files = new TestCache(_group, entryBytes: 4096).Fill(50 * Mi);
        using TestCache swapped = new TestCache(_group, entryBytes: 4096).Fill(50 * Mi);
        bool reached = false;
        for (int tries = 0; tries < 5 && !reached; tries++)
        {
            long toReclaim = Math.Max(0, _group.Memory.CurrentBytes - Goal);
            try
            {
                long freed = _group.Files.Write("memory.reclaim", $"{toReclaim}");
                Assert.True(freed >= toReclaim);
                reached = true;
            }
            catch (GroupFileException e) when (e.Error == GroupFileError.ReclaimedLess)
            {
                Assert.True(e.ReclaimedBytes < toReclaim);
            }
        }

        Assert.True(reached);
        Assert.True(_group.Memory.CurrentBytes <= Goal);
    }

    [Fact]
    public void Less_than_was_asked_for_is_an_error_with_the_amount()
    {
        using TestCache cache = new TestCache(_group).Fill(1000);
        _group.Charge(MemoryKind.User, 500);
        GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write("memory.reclaim", "1200"));
        Assert.Equal((GroupFileError.ReclaimedLess, 1000), (error.Error, error.ReclaimedBytes));
        Assert.Equal(
            "Wrote '1200' to 'memory.reclaim' of '/a': 1000 of 1200 bytes were reclaimed. The rest is protected, in use, "
                + "or known to no reclaimer of the group. Write less, or register a reclaimer.",
            error.Message);
        Assert.Equal(500, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_group_without_reclaimers_gives_nothing()
    {
        GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write("memory.reclaim", "1"));
        Assert.Equal((GroupFileError.ReclaimedLess, 0), (error.Error, error.ReclaimedBytes));
        Assert.Equal(0, _group.Files.Write("memory.reclaim", "0"));
    }

    [Fact]
    public void The_root_reclaims_from_everybody()
    {
        using TestCache cache = new TestCache(_group).Fill(1000);
        Assert.InRange(_group.Parent!.Files.Write("memory.reclaim", "100\n"), 100, 1000);
    }

    [Theory]
    [InlineData("max", "is not an amount")]
    [InlineData("", "is empty")]
    [InlineData("-1", "is negative")]
    [InlineData("1G junk", "is not a size")]
    [InlineData("1 swappiness=0", "asks to swap, and nothing does")]
    public void Anything_else_reclaims_nothing(string text, string problem)
    {
        using TestCache cache = new TestCache(_group).Fill(1000);
        GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write("memory.reclaim", text));
        Assert.Equal((GroupFileError.InvalidText, 0), (error.Error, error.ReclaimedBytes));
        Assert.StartsWith($"Cannot write '{text}' to 'memory.reclaim' of '/a': it {problem}. Write how much", error.Message);
        Assert.Equal(1000, _group.Memory.CurrentBytes);
        Assert.Empty(cache.Asked);
    }
}
