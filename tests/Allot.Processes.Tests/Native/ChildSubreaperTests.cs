using Allot.Processes.Native;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Native;

/// <summary>A setting of the whole process is left as it was found.</summary>
public sealed class ChildSubreaperTests
{
    public ChildSubreaperTests() => Require.Linux();

    [Fact]
    public void The_setting_lasts_as_long_as_its_last_user()
    {
        Assert.False(ChildSubreaper.IsActive);
        ChildSubreaper first = ChildSubreaper.Become(), second = ChildSubreaper.Become();
        Assert.True(ChildSubreaper.IsActive);
        first.Dispose();
        first.Dispose();
        Assert.True(ChildSubreaper.IsActive);
        second.Dispose();
        Assert.False(ChildSubreaper.IsActive);
        ChildSubreaper.Become().Dispose();
        Assert.False(ChildSubreaper.IsActive);
    }

    [Fact]
    public void A_program_that_was_one_before_stays_one()
    {
        Assert.Equal(0, LibC.Prctl(LibC.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
        try
        {
            using (ChildSubreaper.Become()) Assert.True(ChildSubreaper.IsActive);
            Assert.True(ChildSubreaper.IsActive);
        }
        finally
        {
            _ = LibC.Prctl(LibC.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
        }
    }
}
