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

    // ALLOT001: where the flags are not redundant, nothing is reported.
    [Theory]
    [InlineData("async iterator, after a yield", "internal async IAsyncEnumerable<int> M() { FlowingScope s = FlowingScope.NoFs(); try { yield return 1; await Task.Yield(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } }")]
    [InlineData("async iterator, using", "internal async IAsyncEnumerable<int> M() { using (FlowingScope.NoFs()) { yield return 1; await Task.Yield(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } }")]
    [InlineData("iterator on another thread, using", "internal IEnumerable<int> M() { using (FlowingScope.NoFs()) { yield return 1; Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } }")]
    [InlineData("field assigned by the constructor", "private readonly ScopedLock _g = new(AllocationRestrictions.NoFs); internal Code() => _g = new(AllocationRestrictions.None); internal void M() { using (_g.Enter()) Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    [InlineData("left between entry and try", "internal void M() { ThreadScope s = AllocationScope.NoFs(); s.Dispose(); try { Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } }")]
    [InlineData("left by reference", "internal void M() { ThreadScope s = AllocationScope.NoFs(); try { L(ref s); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } } private static void L(ref ThreadScope s) => s.Dispose();")]
    [InlineData("replaced in the try", "internal void M() { FlowingScope s = FlowingScope.NoFs(); FlowingScope t = s; try { t.Dispose(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } }")]
    [InlineData("left by a copy", "internal void M() { using FlowingScope s = FlowingScope.NoFs(); FlowingScope t = s; t.Dispose(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    [InlineData("left conditionally", "internal void M() { using FlowingScope s = FlowingScope.NoFs(); s?.Dispose(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    public async Task ALLOT001_reports_no_flags_that_are_needed(string shape, string members)
    {
        ImmutableArray<Diagnostic> found = await Of(new RedundantFlagsAnalyzer(), members).AnalyzeAsync();
        Assert.True(found.IsEmpty, shape + ": " + string.Join("; ", found));
    }

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

    // ALLOT002: methods that are called by reflection.
    [Fact]
    public async Task ALLOT002_keeps_the_flags_of_a_method_whose_attributes_have_values_for_them()
    {
        var code = new CodeUnderTest(new HandedThroughFlagsAnalyzer(), """
            [AttributeUsage(AttributeTargets.Method)] public sealed class InlineData : Attribute { public InlineData(params object[] values) => Values = values; public object[] Values { get; } }
            internal sealed class Tests
            {
                [InlineData(1, AllocationFlags.NoFs)]
                public void A_charge(int bytes, AllocationFlags flags) => new MemoryController().Root.Charge(MemoryKind.User, bytes, flags);
            }
            """);
        Assert.DoesNotContain(await code.AnalyzeAsync(), found => found.Severity == DiagnosticSeverity.Warning);
    }

    [Fact]
    public async Task ALLOT002_keeps_flags_that_code_of_another_configuration_passes()
    {
        var code = new CodeUnderTest(new HandedThroughFlagsAnalyzer(), """
            internal sealed class Code
            {
                internal void M()
                {
            #if OTHER
                    Write(1, AllocationFlags.NoIo);
            #else
                    Write(1, AllocationFlags.NoFs);
            #endif
                }
                private static void Write(int bytes, AllocationFlags flags) => new MemoryController().Root.Charge(MemoryKind.User, bytes, flags);
            }
            """);
        await code.FixFirstAsync(new HandedThroughFlagsFix());
        string text = await code.TextAsync();
        Assert.True(
            text.Contains("Write(int bytes, AllocationFlags flags)", StringComparison.Ordinal)
            || !text.Contains("AllocationFlags.NoIo", StringComparison.Ordinal), text);
    }

    [Fact]
    public async Task ALLOT002_says_that_other_projects_see_the_internals()
    {
        var code = new CodeUnderTest(new HandedThroughFlagsAnalyzer(), """
            [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Friend")]
            internal sealed class Code
            {
                internal static void Write(int bytes, AllocationFlags flags) => new MemoryController().Root.Charge(MemoryKind.User, bytes, flags);
            }
            """);
        Diagnostic found = Assert.Single(await code.AnalyzeAsync());
        bool hasFix = (await code.FixesAsync(new HandedThroughFlagsFix(), found)).Length > 0;
        Assert.Equal(hasFix, found.Severity == DiagnosticSeverity.Warning);
    }
}
