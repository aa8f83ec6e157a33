namespace Allot.Processes.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void Nothing() => Assert.NotNull(typeof(SmokeTests));
}
