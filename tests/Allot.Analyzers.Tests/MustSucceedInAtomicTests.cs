namespace Allot.Analyzers.Tests;

/// <summary>ALLOT004: a request that must succeed, where nothing may wait.</summary>
public sealed class MustSucceedInAtomicTests
{
    [Fact]
    public Task It_is_found_inside_of_an_atomic_scope() => AssertAsync("""
        AllocationContext.MightAllocate(AllocationFlags.Kernel | AllocationFlags.MustSucceed);
        using (AllocationScope.Atomic())
        {
            AllocationContext.MightAllocate([|AllocationFlags.Kernel | AllocationFlags.MustSucceed|]);
            AllocationContext.MightAllocate(AllocationFlags.Kernel);
            Action later = () => AllocationContext.Apply(AllocationFlags.Kernel | AllocationFlags.MustSucceed);
        }
        """);

    [Fact]
    public Task Flags_that_may_not_wait_are_found_anywhere() => AssertAsync("""
        AllocationContext.MightAllocate([|AllocationFlags.NoWait | AllocationFlags.MustSucceed|]);
        AllocationContext.MightAllocate(AllocationFlags.NoFs | AllocationFlags.MustSucceed);
        """);

    [Fact]
    public Task Flags_that_are_no_request_are_not_found() => AssertAsync("""
        AllocationContext.Apply(AllocationFlags.MustSucceed);
        Has(AllocationFlags.Kernel, AllocationFlags.MustSucceed | AllocationFlags.RetryMayFail);
        Has(AllocationFlags.Kernel, AllocationFlags.MustSucceed);
        Has([|AllocationFlags.NoWait | AllocationFlags.MustSucceed|], AllocationFlags.None);
        using (AllocationScope.Atomic())
        {
            AllocationContext.Apply([|AllocationFlags.MustSucceed|]);   // throws
        }

        static bool Has(AllocationFlags flags, AllocationFlags mask) => (flags & mask) != 0;
        """);

    [Fact]
    public Task A_constant_is_seen_through() => AssertAsync("""
        const AllocationFlags Always = AllocationFlags.Kernel | AllocationFlags.MustSucceed;
        using ThreadScope scope = AllocationScope.Atomic();
        AllocationContext.MightAllocate([|Always|]);
        """);

    [Fact]
    public Task Flags_that_are_not_known_are_not_guessed() => AssertAsync("""
        AllocationFlags flags = AllocationFlags.Kernel | AllocationFlags.MustSucceed;
        using ThreadScope scope = AllocationScope.Atomic();
        AllocationContext.MightAllocate(flags);
        """);

    private static async Task AssertAsync(string body) => await new CodeUnderTest(new AtomicScopeAnalyzer(), $$"""
        class C
        {
            void M()
            {
                {{body}}
            }
        }
        """).AssertReportsAsync();
}
