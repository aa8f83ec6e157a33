using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>The guard of a thread across an await is an error of the compiler (row B15 of docs/reference/scopes.md), and
/// that of a flow is not.</summary>
public sealed class GuardsAcrossAwaitTests
{
    [Theory]
    [InlineData("AllocationScope.NoFs()")]
    [InlineData("AllocationScope.Atomic()")]
    [InlineData("group.Enter()")]
    [InlineData("new ScopedLock(AllocationRestrictions.NoFs).Enter()")]
    [InlineData("new ScopedReaderWriterLock(AllocationRestrictions.NoFs).EnterRead()")]
    public async Task A_guard_of_a_thread_does_not_compile(string entering) =>
        Assert.Contains(Assert.Single(await ErrorsAsync(entering)), new[] { "CS4007", "CS4012" });   // from C# 13; before

    [Theory]
    [InlineData("FlowingScope.NoFs()")]
    [InlineData("group.EnterFlow()")]
    [InlineData("await new AsyncScopedLock(AllocationRestrictions.NoFs).EnterAsync()")]
    public async Task A_guard_of_a_flow_does(string entering) => Assert.Empty(await ErrorsAsync(entering));

    private static async Task<string[]> ErrorsAsync(string entering)
    {
        var code = new CodeUnderTest(new LostScopeAnalyzer(), $$"""
            class C
            {
                async Task M(MemoryGroup group)
                {
                    using (var scope = {{entering}})
                    {
                        await Task.Yield();
                    }
                }
            }
            """);
        Compilation compilation = (await code.Solution.GetProject(code.Project)!.GetCompilationAsync())!;
        using var image = new MemoryStream();
        return
        [
            .. compilation.Emit(image).Diagnostics   // found only where the state machine is made
                .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
                .Select(diagnostic => diagnostic.Id),
        ];
    }
}
