namespace Allot.Tests.Repository;

public sealed class TestNamesTests
{
    [Fact]
    public void Tests_are_found_and_other_methods_are_not() => Assert.Equal(
        ["A.One", "A.Two", "A.Three"],
        TestNames.In("A", """
            [Fact]
            public void One() => Helper();
            public void NotThis() { }
            [Theory, InlineData(1)]
            [InlineData(2)]
            public async Task Two(int value) { }
            // A comment.
            [Fact(Timeout = 1)]
            public void Three()
            """));

    [Fact]
    public void This_very_test_is_found() => Assert.Contains(
        $"{nameof(TestNamesTests)}.{nameof(This_very_test_is_found)}", TestNames.In("tests/Allot.Tests/"));
}
