using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

public sealed class OwnCgroupsTests
{
    [Theory]
    [InlineData("0::/user.slice/user-1000.slice/session-2.scope\n", null, "/user.slice/user-1000.slice/session-2.scope")]
    [InlineData("0::/\n", null, "/")]
    [InlineData("12:cpu,cpuacct:/\n4:memory:/docker/1f\n1:name=systemd:/docker/1f\n0::/docker/1f\n", "/docker/1f", "/docker/1f")]
    [InlineData("5:hugetlb,memory:/a\n", "/a", null)]
    [InlineData("3:name=memory:/a\n", null, null)]                       // a named hierarchy, not the controller
    [InlineData("0::/a:b/c:d\n", null, "/a:b/c:d")]                      // colons in the path
    [InlineData("0::/gone (deleted)\n", null, "/gone")]
    [InlineData("0::/../outside\n", null, "/../outside")]
    [InlineData("", null, null)]
    [InlineData("nonsense\n", null, null)]
    public void Parse(string text, string? memory, string? unified) =>
        Assert.Equal(new OwnCgroups(memory, unified), OwnCgroups.Parse(text));
}
