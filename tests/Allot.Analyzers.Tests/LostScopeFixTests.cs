namespace Allot.Analyzers.Tests;

/// <summary>ALLOT003: before and after.</summary>
public sealed class LostScopeFixTests
{
    [Theory]
    [InlineData("AllocationScope.NoFs();", "using ThreadScope scope = AllocationScope.NoFs();")]
    [InlineData("_ = AllocationScope.NoFs();", "using ThreadScope scope = AllocationScope.NoFs();")]
    [InlineData("FlowingScope.NoFs();", "using FlowingScope scope = FlowingScope.NoFs();")]
    [InlineData("group.Enter();", "using ActiveGroupScope scope = group.Enter();")]
    [InlineData("var mine = AllocationScope.NoFs();", "using var mine = AllocationScope.NoFs();")]
    [InlineData("// Why.\n        var mine = AllocationScope.NoFs();", "// Why.\n        using var mine = AllocationScope.NoFs();")]
    [InlineData("int scope = 1;\n        AllocationScope.NoFs();",
        "int scope = 1;\n        using ThreadScope scope2 = AllocationScope.NoFs();")]
    [InlineData("AllocationScope.NoFs();\n        Func<Task> later = async () => await Task.Yield();",
        "using ThreadScope scope = AllocationScope.NoFs();\n        Func<Task> later = async () => await Task.Yield();")]
    [InlineData("_readers.EnterRead();", "using ScopedReaderWriterLock.Holder scope = _readers.EnterRead();")]
    [InlineData("var held = _readers.EnterWrite();", "using var held = _readers.EnterWrite();")]
    [InlineData("await _async.EnterAsync(); await Task.Yield();",
        "using AsyncScopedLock.Holder scope = await _async.EnterAsync(); await Task.Yield();", "async Task")]
    [InlineData("_ = await _async.EnterAsync().ConfigureAwait(false);",
        "using AsyncScopedLock.Holder scope = await _async.EnterAsync().ConfigureAwait(false);", "async Task")]
    public async Task The_guard_becomes_a_using(string before, string after, string returns = "void")
    {
        CodeUnderTest code = Code(before, returns);
        Assert.True(await code.FixFirstAsync(new LostScopeFix()));
        Assert.Equal(await Code(after, returns).TextAsync(), await code.TextAsync());
        Assert.Empty(await code.AnalyzeAsync());
    }

    [Theory]
    [InlineData("if (group.Name == \"x\") AllocationScope.NoFs();")]                       // no place for a declaration
    [InlineData("switch (group.Name) { case \"x\": AllocationScope.NoFs(); break; }")]
    [InlineData("FlowingScope scope; scope = FlowingScope.NoFs();")]                       // assigned later
    [InlineData("AllocationScope.NoFs(); await Task.Yield();", "async Task")]              // would not compile
    [InlineData("_readers.EnterRead(); await Task.Yield();", "async Task")]
    [InlineData("_async.EnterAsync();")]                                                   // has to be awaited
    [InlineData("var entering = _async.EnterAsync();")]
    [InlineData("Action enter = () => FlowingScope.NoFs(); enter();")]                         // not the local is the guard
    [InlineData("var box = new Lazy<object?>(new System.Runtime.CompilerServices.StrongBox<FlowingScope?> { Value = FlowingScope.NoFs() });")]
    [InlineData("bool isTaken = new ScopedLock(AllocationRestrictions.NoFs).TryEnter(out _);")]
    [InlineData("if (group.Name == \"x\") goto end; AllocationScope.NoFs(); end: _ = group.Name;")]
    [InlineData("{ AllocationScope.NoFs(); } await Task.Yield();", "async Task")]               // before C# 13
    [InlineData("FlowingScope.NoFs(); yield return 1;", "IEnumerable<int>")]
    [InlineData("FlowingScope.NoFs(); await Task.Yield(); yield return 1;", "async IAsyncEnumerable<int>")]
    [InlineData("using (FlowingScope.NoFs()) { yield return 1; }", "IEnumerable<int>")]
    [InlineData("using var scope = FlowingScope.NoFs(); yield return 1;", "IEnumerable<int>")]
    [InlineData("AllocationScope.NoFs(); await using var file = new MemoryStream();", "async Task")]
    public async Task No_fix_is_offered_where_it_would_not_be_right(string body, string returns = "void")
    {
        CodeUnderTest code = Code(body, returns);
        Assert.Single(await code.AnalyzeAsync());
        Assert.False(await code.FixFirstAsync(new LostScopeFix()));
    }

    [Theory]
    [InlineData("ThreadScope scope = AllocationScope.NoFs(); scope = AllocationScope.NoIo();")]
    [InlineData("FlowingScope? scope = FlowingScope.NoFs(); (scope, int one) = (null, 1);")]
    public async Task No_fix_is_offered_for_a_local_that_gets_another_value(string body)
    {
        CodeUnderTest code = Code(body);
        Assert.NotEmpty(await code.AnalyzeAsync());
        Assert.False(await code.FixFirstAsync(new LostScopeFix()));
    }

    [Fact]
    public async Task Two_in_one_block_get_two_names()
    {
        CodeUnderTest code = Code("AllocationScope.NoFs();\n        AllocationScope.NoPin();");
        await code.FixAllAsync(new LostScopeFix());
        Assert.Contains("using ThreadScope scope = AllocationScope.NoFs();", await code.TextAsync(), StringComparison.Ordinal);
        Assert.Contains("using ThreadScope scope2 = AllocationScope.NoPin();", await code.TextAsync(), StringComparison.Ordinal);
    }

    private static CodeUnderTest Code(string body, string returns = "void") => new(new LostScopeAnalyzer(), $$"""
        class C
        {
            readonly ScopedReaderWriterLock _readers = new(AllocationRestrictions.NoFs);
            readonly AsyncScopedLock _async = new(AllocationRestrictions.NoFs);

            {{returns}} M(MemoryGroup group)
            {
                {{body}}
            }
        }
        """);
}
