using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>ALLOT001: flags that repeat the scope.</summary>
public sealed class RedundantFlagsTests
{
    [Theory]
    [InlineData("NoFs", "[|AllocationFlags.NoFs|]")]
    [InlineData("NoIo", "[|AllocationFlags.NoFs|]")]
    [InlineData("NoIo", "[|AllocationFlags.NoIo|]")]
    [InlineData("NoFs", "[|AllocationFlags.NoFs | AllocationFlags.Zero|]")]
    [InlineData("NoFs", "[|AllocationFlags.Kernel & ~AllocationFlags.FileSystem|]")]
    [InlineData("NoFs", "AllocationFlags.NoIo")]            // stricter than the scope
    [InlineData("NoFs", "AllocationFlags.Kernel")]
    [InlineData("NoFs", "AllocationFlags.KernelAccount")]
    [InlineData("NoFs", "AllocationFlags.NoWait")]
    [InlineData("Atomic", "AllocationFlags.NoWait")]        // the checks of Allot ask for it
    [InlineData("Atomic", "AllocationFlags.Atomic")]
    [InlineData("Atomic", "[|AllocationFlags.NoIo|]")]
    [InlineData("NoReclaim", "AllocationFlags.NoFs")]
    [InlineData("NoPin", "AllocationFlags.Kernel")]
    public Task Flags_are_redundant_when_the_scope_says_the_same(string scope, string flags) => AssertAsync($$"""
        using (AllocationScope.{{scope}}())
        {
            Allocate({{flags}});
        }
        """);

    [Fact]
    public Task Scopes_add_up() => AssertAsync("""
        using (AllocationScope.NoReclaim())
        using (FlowingScope.NoIo())
        {
            using ThreadScope scope = AllocationScope.NoFs();
            Allocate([|AllocationFlags.NoIo|]);
        }
        """);

    [Fact]
    public Task Locks_carry_scopes() => AssertAsync("""
        using (_lock.Enter()) Allocate([|AllocationFlags.NoFs|]);
        using (_readers.EnterRead()) Allocate([|AllocationFlags.NoIo|]);
        using (ScopedReaderWriterLock.Holder held = _readers.EnterWrite())
        {
            Allocate([|AllocationFlags.NoFs|]);
            _ = WorkAsync(AllocationFlags.NoFs);   // of the thread only
        }
        using (_unknown.EnterRead()) Allocate(AllocationFlags.NoFs);
        """);

    [Fact]
    public Task The_scope_of_a_lock_that_is_awaited_flows() => AssertAsync("""
        async Task Later()
        {
            using (await _async.EnterAsync().ConfigureAwait(false))
            {
                Allocate([|AllocationFlags.NoFs|]);
                await WorkAsync([|AllocationFlags.NoFs|]);
                Allocate(AllocationFlags.NoIo);
            }
            using AsyncScopedLock.Holder held = await _async.EnterAsync();
            Allocate([|AllocationFlags.NoFs|]);
        }
        async Task NotTakenYet()
        {
            var entering = _async.EnterAsync();
            Allocate(AllocationFlags.NoFs);
            using (await entering) Allocate(AllocationFlags.NoFs);
        }
        """);

    [Fact]
    public Task What_runs_later_or_elsewhere_is_not_inside() => AssertAsync("""
        Action later;
        using (AllocationScope.NoFs())
        {
            later = () => Allocate(AllocationFlags.NoFs);
            void Local() => Allocate(AllocationFlags.NoFs);
            Local();
        }
        Allocate(AllocationFlags.NoFs);
        later();
        """);

    [Fact]
    public Task A_scope_inside_of_a_lambda_counts_there() => AssertAsync("""
        Action later = () =>
        {
            using ThreadScope scope = AllocationScope.NoFs();
            Allocate([|AllocationFlags.NoFs|]);
        };
        """);

    [Fact]
    public Task A_scope_that_is_over_or_not_yet_entered_does_not_count() => AssertAsync("""
        Allocate(AllocationFlags.NoFs);
        for (int i = 0; i < 3; i++)
        {
            using ThreadScope scope = AllocationScope.NoFs();
        }
        if (_condition)
        {
            using ThreadScope scope = AllocationScope.NoFs();
        }
        Allocate(AllocationFlags.NoFs);
        """);

    [Fact]
    public Task Flags_that_are_not_known_are_not_guessed() => AssertAsync("""
        AllocationFlags flags = _condition ? AllocationFlags.NoFs : AllocationFlags.NoIo;
        using ThreadScope scope = AllocationScope.NoFs();
        Allocate(flags);
        """);

    [Fact]
    public Task A_method_that_looks_at_its_flags_itself_would_see_other_ones() => AssertAsync("""
        using (AllocationScope.NoIo())
        {
            Spill(AllocationFlags.NoFs);
            SpillBelow(AllocationFlags.NoFs);
            Virtual(AllocationFlags.NoFs);
            Below([|AllocationFlags.NoFs|]);
        }
        """);

    [Fact]
    public Task Work_that_goes_on_elsewhere_is_not_in_the_scope_of_a_thread() => AssertAsync("""
        using (AllocationScope.NoFs())
        {
            Queue(AllocationFlags.NoFs);
            _ = WorkAsync(AllocationFlags.NoFs);
        }
        using (FlowingScope.NoFs())
        {
            Queue(AllocationFlags.NoFs);
            _ = WorkAsync([|AllocationFlags.NoFs|]);
        }
        """);

    [Theory]
    [InlineData("async iterator, after a yield",
        "internal async IAsyncEnumerable<int> M() { FlowingScope s = FlowingScope.NoFs(); try { yield return 1; await Task.Yield(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } }")]
    [InlineData("async iterator, using",
        "internal async IAsyncEnumerable<int> M() { using (FlowingScope.NoFs()) { yield return 1; await Task.Yield(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } }")]
    [InlineData("iterator on another thread, using",
        "internal IEnumerable<int> M() { using (FlowingScope.NoFs()) { yield return 1; Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } }")]
    [InlineData("field assigned by the constructor",
        "private readonly ScopedLock _g = new(AllocationRestrictions.NoFs); internal Code() => _g = new(AllocationRestrictions.None); internal void M() { using (_g.Enter()) Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    [InlineData("left between entry and try",
        "internal void M() { ThreadScope s = AllocationScope.NoFs(); s.Dispose(); try { Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } }")]
    [InlineData("left by reference",
        "internal void M() { ThreadScope s = AllocationScope.NoFs(); try { L(ref s); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } } private static void L(ref ThreadScope s) => s.Dispose();")]
    [InlineData("replaced in the try",
        "internal void M() { FlowingScope s = FlowingScope.NoFs(); FlowingScope t = s; try { t.Dispose(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } finally { s.Dispose(); } }")]
    [InlineData("left by a copy",
        "internal void M() { using FlowingScope s = FlowingScope.NoFs(); FlowingScope t = s; t.Dispose(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    [InlineData("left conditionally",
        "internal void M() { using FlowingScope s = FlowingScope.NoFs(); s?.Dispose(); Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    [InlineData("entered in one configuration",
        "internal void M()\n{\n#if !NEVER\nusing (AllocationScope.NoFs())\n#endif\n{ Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } }")]
    [InlineData("flow switched off",
        "internal async Task M(Task t) { using (FlowingScope.NoFs()) { using (ExecutionContext.SuppressFlow()) await t; Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); } }")]
    [InlineData("lock written by an init accessor",
        "private readonly ScopedLock _g = new(AllocationRestrictions.NoFs); internal int P { init => _g = new(AllocationRestrictions.None); } internal void M() { using (_g.Enter()) Group.Charge(MemoryKind.User, 1, AllocationFlags.NoFs); }")]
    public async Task A_scope_that_may_be_over_does_not_count(string shape, string members)
    {
        var code = new CodeUnderTest(new RedundantFlagsAnalyzer(), $$"""
            internal sealed class Code
            {
                internal static readonly MemoryGroup Group = new MemoryController().Root;
                {{members}}
            }
            """);
        ImmutableArray<Diagnostic> found = await code.AnalyzeAsync();
        Assert.True(found.IsEmpty, shape);
    }

    private static async Task AssertAsync(string body) => await new CodeUnderTest(new RedundantFlagsAnalyzer(), $$"""
        class C
        {
            readonly ScopedLock _lock = new(AllocationRestrictions.NoFs);
            readonly ScopedReaderWriterLock _readers = new(AllocationRestrictions.NoIo, "readers");
            readonly AsyncScopedLock _async = new(AllocationRestrictions.NoFs | AllocationRestrictions.NoPin);
            ScopedReaderWriterLock _unknown = new(AllocationRestrictions.NoIo);
            bool _condition = true;

            void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);

            void Below(AllocationFlags flags) => Allocate(flags);

            void Spill(AllocationFlags flags)
            {
                AllocationContext.MightAllocate(flags);
                if ((flags & AllocationFlags.FileSystem) != 0) File.Delete("x");
            }

            void SpillBelow(AllocationFlags flags) => Spill(flags);

            protected virtual void Virtual(AllocationFlags flags) => Allocate(flags);

            void Queue(AllocationFlags flags) => ThreadPool.QueueUserWorkItem(_ => Allocate(flags));

            async Task WorkAsync(AllocationFlags flags)
            {
                await Task.Yield();
                Allocate(flags);
            }

            void M()
            {
                {{body}}
            }
        }
        """).AssertReportsAsync();
}
