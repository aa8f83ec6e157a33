using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Allot.Analyzers.Tests;

/// <summary>What an adversary has found in the rules other than the conversion. The marks are what should be reported.
/// </summary>
public sealed class RulesBreakTests
{
    private const string Frame = """
        using System.Linq;
        public sealed class Box { public FlowingScope? Scope; public FlowingScope? Other { get; set; } }
        internal sealed class Code
        {
            internal static readonly MemoryGroup Group = new MemoryController().Root;
            private static readonly ScopedReaderWriterLock s_rw = new(AllocationRestrictions.NoFs);
            private static readonly ScopedLock s_lock = new(AllocationRestrictions.NoFs);
            private static readonly AsyncScopedLock s_async = new(AllocationRestrictions.NoFs);
            private static void Take(Action action) => action();
            MEMBERS
        }
        """;

    private static CodeUnderTest Of(DiagnosticAnalyzer analyzer, string members) =>
        new(analyzer, Frame.Replace("MEMBERS", members, StringComparison.Ordinal));

    // ALLOT003: what is lost is reported.
    [Theory]
    [InlineData("reader", "internal void M() { [|s_rw.EnterRead()|]; }")]
    [InlineData("writer", "internal void M() { var w = [|s_rw.EnterWrite()|]; }")]
    [InlineData("async holder", "internal async Task M() { [|await s_async.EnterAsync()|]; }")]
    [InlineData("async lock that nobody awaits", "internal void M() { [|s_async.EnterAsync()|]; }")]
    [InlineData("tried lock", "internal void M() { s_lock.TryEnter(out [|_|]); }")]
    [InlineData("array initializer", "internal FlowingScope[] M() => new[] { [|FlowingScope.NoFs()|] };")]
    [InlineData("coalescing assignment to a field", "private FlowingScope? _s; internal void M() { _s ??= [|FlowingScope.NoFs()|]; }")]
    [InlineData("tuple to fields", "private FlowingScope? _s; private int _n; internal void M() { (_s, _n) = ([|FlowingScope.NoFs()|], 1); }")]
    [InlineData("only named", "internal void M() { FlowingScope s = [|FlowingScope.NoFs()|]; _ = nameof(s); }")]
    [InlineData("switch expression", "internal void M(int n) { _ = n switch { 1 => [|FlowingScope.NoFs()|], _ => [|FlowingScope.NoIo()|] }; }")]
    public async Task ALLOT003_reports_what_is_lost(string shape, string members)
    {
        Assert.NotEmpty(shape);
        await Of(new LostScopeAnalyzer(), members).AssertReportsAsync();
    }

    // ALLOT003: the fix compiles and makes a using of a guard.
    [Theory]
    [InlineData("expression lambda in a local", "internal void M() { Action a = () => FlowingScope.NoFs(); a(); }")]
    [InlineData("object initializer in a local", "internal void M() { var b = new Box { Scope = FlowingScope.NoFs() }; Console.WriteLine(b); }")]
    [InlineData("two values", "internal void M() { ThreadScope s = AllocationScope.NoFs(); s = AllocationScope.NoIo(); }")]
    [InlineData("goto", "internal void M(int n) { if (n > 0) goto end; AllocationScope.NoFs(); Group.Charge(MemoryKind.User, 1); end: n++; }")]
    [InlineData("async iterator", "internal async IAsyncEnumerable<int> M() { FlowingScope.NoFs(); await Task.Yield(); yield return 1; }")]
    [InlineData("iterator", "internal IEnumerable<int> M() { FlowingScope.NoFs(); yield return 1; }")]
    [InlineData("Main-like async", "internal async Task M() { { AllocationScope.NoFs(); } await Task.Yield(); }")]
    public async Task ALLOT003_is_fixed_well(string shape, string members)
    {
        CodeUnderTest code = Of(new LostScopeAnalyzer(), members);
        await code.FixFirstAsync(new LostScopeFix());
        string text = await code.TextAsync();
        Assert.False(text.Contains("using Action", StringComparison.Ordinal)
            || text.Contains("using var b", StringComparison.Ordinal), text);
        bool isIterator = shape.Contains("iterator", StringComparison.Ordinal);
        Assert.False(isIterator && text.Contains("using FlowingScope", StringComparison.Ordinal), text);
    }

    // ALLOT004 and ALLOT005.
    [Theory]
    [InlineData("nameof", "internal void M(Task<int> t) { using (AllocationScope.Atomic()) { string s = nameof(t.Result); } }")]
    [InlineData("a mask", "internal static bool Any(AllocationFlags f, AllocationFlags mask) => (f & mask) != 0; internal void M() { Any(AllocationFlags.Kernel, AllocationFlags.MustSucceed | AllocationFlags.RetryMayFail); }")]
    [InlineData("a completed task", "internal void M(Task<int> t) { using (AllocationScope.Atomic()) { if (t.IsCompletedSuccessfully) Console.WriteLine(t.Result); } }")]
    [InlineData("memory stream as stream", "internal void M() { Stream s = new MemoryStream(); using (AllocationScope.Atomic()) { ((MemoryStream)s).WriteByte(1); } }")]
    [InlineData("apply", "internal void M() { AllocationContext.Apply(AllocationFlags.MustSucceed); }")]
    public async Task ALLOT004_and_5_report_nothing_that_is_right(string shape, string members)
    {
        ImmutableArray<Diagnostic> found = await Of(new AtomicScopeAnalyzer(), members).AnalyzeAsync();
        Assert.True(found.IsEmpty, shape + ": " + string.Join("; ", found));
    }

    [Theory]
    [InlineData("our reader-writer lock", "internal void M() { using (AllocationScope.Atomic()) using ([|s_rw.EnterRead()|]) { } }")]
    [InlineData("reader of a stream", "internal void M(StreamReader r) { using (AllocationScope.Atomic()) [|r.ReadLine()|]; }")]
    [InlineData("writer of a stream", "internal void M(TextWriter w) { using (AllocationScope.Atomic()) [|w.Flush()|]; }")]
    [InlineData("opening a file", "internal void M() { using (AllocationScope.Atomic()) [|new FileStream(\"x\", FileMode.Open)|].ToString(); }")]
    [InlineData("directory", "internal void M() { using (AllocationScope.Atomic()) [|Directory.GetFiles(\"x\")|].ToString(); }")]
    [InlineData("configured value task", "internal void M(ValueTask<int> t) { using (AllocationScope.Atomic()) [|t.ConfigureAwait(false).GetAwaiter().GetResult()|].ToString(); }")]
    [InlineData("spin until", "internal void M() { using (AllocationScope.Atomic()) [|SpinWait.SpinUntil(() => false)|]; }")]
    [InlineData("run synchronously", "internal void M(Task t) { using (AllocationScope.Atomic()) [|t.RunSynchronously()|]; }")]
    public async Task ALLOT005_reports_what_blocks(string shape, string members)
    {
        Assert.NotEmpty(shape);
        await Of(new AtomicScopeAnalyzer(), members).AssertReportsAsync();
    }
}
