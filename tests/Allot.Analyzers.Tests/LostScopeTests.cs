namespace Allot.Analyzers.Tests;

/// <summary>ALLOT003: a scope that nothing leaves.</summary>
public sealed class LostScopeTests
{
    [Theory]
    [InlineData("[|AllocationScope.NoFs()|];")]
    [InlineData("[|FlowingScope.NoFs()|];")]
    [InlineData("[|AllocationScope.ActiveGroup(group)|];")]
    [InlineData("[|group.Enter()|];")]
    [InlineData("[|group.EnterFlow()|];")]
    [InlineData("_ = [|AllocationScope.Atomic()|];")]
    [InlineData("[|_lock.Enter()|];")]
    [InlineData("var holder = [|_lock.Enter()|];")]
    [InlineData("[|_readers.EnterRead()|];")]
    [InlineData("_ = [|_readers.EnterWrite()|];")]
    [InlineData("var holder = [|_readers.EnterRead()|];")]
    [InlineData("async Task Later() => [|await _async.EnterAsync()|];")]
    [InlineData("async Task Later() { [|await _async.EnterAsync().ConfigureAwait(false)|]; await Task.Yield(); }")]
    [InlineData("async Task Later() { var holder = [|await _async.EnterAsync()|]; await Task.Yield(); }")]
    [InlineData("[|_async.EnterAsync()|];")]   // taken some time, and never left
    [InlineData("_ = [|_async.EnterAsync()|];")]
    [InlineData("var entering = [|_async.EnterAsync()|];")]
    [InlineData("var scope = [|AllocationScope.NoIo()|];")]
    [InlineData("ThreadScope scope = [|AllocationScope.NoIo()|];")]
    [InlineData("IDisposable scope = [|FlowingScope.NoIo()|];")]
    [InlineData("FlowingScope scope; scope = [|FlowingScope.NoIo()|];")]
    [InlineData("if (group.Name == \"x\") [|AllocationScope.NoFs()|];")]
    [InlineData("_lock.TryEnter(out [|_|]);")]
    [InlineData("if (_lock.TryEnter(out [|var holder|])) { }")]
    [InlineData("ScopedLock.Holder holder; _lock.TryEnter(out [|holder|]);")]
    [InlineData("FlowingScope scope = [|FlowingScope.NoFs()|]; _ = nameof(scope);")]
    [InlineData("_ = group.Name switch { \"x\" => [|FlowingScope.NoFs()|], _ => [|FlowingScope.NoIo()|] };")]
    [InlineData("(_, int number) = ([|FlowingScope.NoFs()|], 1);")]
    [InlineData("var (scope, number) = ([|FlowingScope.NoFs()|], 1);")]
    [InlineData("FlowingScope? scope = null; scope ??= [|FlowingScope.NoFs()|];")]
    public Task A_scope_that_is_never_left_is_found(string statement) => AssertAsync(statement);

    [Theory]
    [InlineData("using var scope = AllocationScope.NoFs();")]
    [InlineData("using (AllocationScope.NoFs()) { }")]
    [InlineData("using (var scope = FlowingScope.NoFs()) { }")]
    [InlineData("using (group.Enter()) { }")]
    [InlineData("using (_lock.Enter()) { }")]
    [InlineData("if (_lock.TryEnter(out var holder)) holder.Dispose();")]
    [InlineData("_lock.TryEnter(out ScopedLock.Holder holder); using (holder) { }")]
    [InlineData("using var scope = group.Name switch { \"x\" => FlowingScope.NoFs(), _ => FlowingScope.NoIo() };")]
    [InlineData("var (scope, number) = (FlowingScope.NoFs(), 1); scope.Dispose();")]
    [InlineData("FlowingScope? scope = null; scope ??= FlowingScope.NoFs(); scope.Dispose();")]
    [InlineData("using (_readers.EnterRead()) { }")]
    [InlineData("var holder = _readers.EnterWrite(); try { } finally { holder.Dispose(); }")]
    [InlineData("async Task Later() { using (await _async.EnterAsync()) { } }")]
    [InlineData("async Task Later() { using var holder = await _async.EnterAsync().ConfigureAwait(false); }")]
    [InlineData("async Task Later() { var entering = _async.EnterAsync(); using (await entering) { } }")]
    [InlineData("async Task<AsyncScopedLock.Holder> Take() => await _async.EnterAsync();")]
    [InlineData("using (group.Name == \"x\" ? AllocationScope.NoFs() : default) { }")]
    [InlineData("using IDisposable? scope = group.Name == \"x\" ? FlowingScope.NoFs() : null;")]
    [InlineData("var scope = AllocationScope.NoFs(); try { } finally { scope.Dispose(); }")]
    [InlineData("var scope = FlowingScope.NoFs(); using (scope) { }")]
    [InlineData("_scopes.Add(FlowingScope.NoFs());")]
    [InlineData("var scope = FlowingScope.NoFs(); _scope = scope;")]
    [InlineData("ThreadScope Wrapped() => AllocationScope.NoFs(); using (Wrapped()) { }")]
    [InlineData("Func<FlowingScope> enter = () => FlowingScope.NoFs(); using (enter()) { }")]
    public Task A_scope_that_somebody_keeps_is_not_found(string statement) => AssertAsync(statement);

    [Theory]
    [InlineData("_scope = [|FlowingScope.NoFs()|];")]
    [InlineData("this._scope = [|group.EnterFlow()|];")]
    [InlineData("Kept = [|FlowingScope.NoFs()|];")]
    [InlineData("_scope = group.Name == \"x\" ? [|FlowingScope.NoFs()|] : null;")]
    [InlineData("_two[0] = [|FlowingScope.NoFs()|];")]
    [InlineData("_two = new[] { [|FlowingScope.NoFs()|] };")]
    [InlineData("_scope ??= [|FlowingScope.NoFs()|];")]
    [InlineData("int number; (_scope, number) = ([|FlowingScope.NoFs()|], 1);")]
    [InlineData("async Task Later() => _holder = [|await _async.EnterAsync()|];")]
    [InlineData("_ = new C { Kept = [|FlowingScope.NoFs()|] };")]
    public Task A_scope_that_is_stored_is_found(string statement) => AssertAsync(statement);

    [Theory]
    [InlineData("IEnumerable<int> Each() { using ([|FlowingScope.NoFs()|]) { yield return 1; } }")]
    [InlineData("IEnumerable<int> Each() { using var scope = [|FlowingScope.NoFs()|]; yield return 1; }")]
    [InlineData("IEnumerable<int> Each() { using (var scope = [|group.EnterFlow()|]) { yield return 1; } }")]
    [InlineData("IEnumerable<int> Each() { var scope = [|FlowingScope.NoFs()|]; try { yield return 1; } finally { scope.Dispose(); } }")]
    [InlineData("async IAsyncEnumerable<int> Each() { using ([|FlowingScope.NoFs()|]) { await Task.Yield(); yield return 1; } }")]
    [InlineData("async IAsyncEnumerable<int> Each() { using ([|await _async.EnterAsync()|]) yield return 1; }")]
    public Task A_flowing_scope_that_is_held_across_a_yield_is_found(string statement) => AssertAsync(statement);

    [Theory]
    [InlineData("IEnumerable<int> Each() { using (FlowingScope.NoFs()) { group.Charge(MemoryKind.User, 1); } yield return 1; }")]
    [InlineData("IEnumerable<int> Each() { var scope = FlowingScope.NoFs(); scope.Dispose(); yield return 1; }")]
    [InlineData("IEnumerable<int> Each() { yield return 1; using var scope = FlowingScope.NoFs(); }")]
    [InlineData("using (FlowingScope.NoFs()) { IEnumerable<int> Each() { yield return 1; } }")]
    [InlineData("IEnumerable<int> Each() { using (FlowingScope.NoFs()) { yield break; } }")]
    public Task A_flowing_scope_that_is_left_before_an_element_is_given_out_is_not_found(string statement) =>
        AssertAsync(statement);

    [Fact]
    public async Task A_field_that_begins_as_a_scope_is_found_and_a_wrapper_on_the_stack_is_not() =>
        await new CodeUnderTest(new LostScopeAnalyzer(), """
            class C
            {
                readonly FlowingScope _scope = [|FlowingScope.NoFs()|];
            }

            ref struct Wrapper
            {
                ThreadScope _scope;

                public Wrapper(int depth) => _scope = AllocationScope.NoFs();

                public void Dispose() => _scope.Dispose();
            }
            """).AssertReportsAsync();

    private static async Task AssertAsync(string body) => await new CodeUnderTest(new LostScopeAnalyzer(), $$"""
        class C
        {
            readonly ScopedLock _lock = new(AllocationRestrictions.NoFs);
            readonly ScopedReaderWriterLock _readers = new(AllocationRestrictions.NoFs);
            readonly AsyncScopedLock _async = new(AllocationRestrictions.NoFs);
            AsyncScopedLock.Holder? _holder;
            FlowingScope? _scope;
            FlowingScope[] _two = new FlowingScope[2];
            FlowingScope? Kept { get; set; }
            List<FlowingScope> _scopes = new();

            void M(MemoryGroup group)
            {
                {{body}}
            }

            FlowingScope Enter() => FlowingScope.NoIo();
        }
        """).AssertReportsAsync();
}
