namespace Allot.Analyzers.Tests;

/// <summary>ALLOT001: before and after.</summary>
public sealed class RedundantFlagsFixTests
{
    // There a call without flags is accounted.
    [Theory]
    [InlineData("AllocationFlags.NoFs | AllocationFlags.Account", "")]
    [InlineData("AllocationFlags.NoFs", ", AllocationFlags.Kernel")]
    public async Task Of_the_current_group_the_flags_that_its_charge_stands_for_are_left_out(string before, string after)
    {
        static string Code(string flags) => $$"""
            class C
            {
                void M()
                {
                    using (AllocationScope.NoFs()) AmbientCharging.Charge(MemoryKind.User, 1{{flags}});
                }
            }
            """;

        var code = new CodeUnderTest(new RedundantFlagsAnalyzer(), Code(", " + before));
        await code.FixAllAsync(new RedundantFlagsFix());
        Assert.Equal(Code(after).ReplaceLineEndings("\n"), await code.TextAsync());
    }

    [Theory]
    [InlineData("Allocate(8, AllocationFlags.NoFs);", "Allocate(8, AllocationFlags.Kernel);")]
    [InlineData("Optional(8, AllocationFlags.NoFs);", "Optional(8);")]
    [InlineData("Optional(8, flags: AllocationFlags.NoFs);", "Optional(8);")]
    [InlineData("Optional(8, AllocationFlags.NoFs, 5);", "Optional(8, AllocationFlags.Kernel, 5);")]
    [InlineData("_group?.Charge(MemoryKind.User, 8, AllocationFlags.NoFs);", "_group?.Charge(MemoryKind.User, 8);")]
    [InlineData("AmbientCharging.Charge(MemoryKind.User, 8, AllocationFlags.NoFs | AllocationFlags.Account);",
        "AmbientCharging.Charge(MemoryKind.User, 8);")]
    [InlineData("Optional(8, AllocationFlags.NoFs, last: 5);", "Optional(8, last: 5);")]
    [InlineData("Optional(8, AllocationFlags.NoFs | AllocationFlags.Account);", "Optional(8, AllocationFlags.KernelAccount);")]
    [InlineData("Optional(8, AllocationFlags.Zero | AllocationFlags.NoFs);",
        "Optional(8, AllocationFlags.Kernel | AllocationFlags.Zero);")]
    [InlineData("Optional(8, Short);", "Optional(8);")]
    public async Task The_flags_go_and_attributes_stay(string before, string after)
    {
        CodeUnderTest code = Code(before);
        Assert.True(await code.FixFirstAsync(new RedundantFlagsFix()));
        Assert.Equal(await Code(after).TextAsync(), await code.TextAsync());
        Assert.Empty(await code.AnalyzeAsync());
    }

    [Fact]
    public async Task A_directive_does_not_go_with_the_flags() => Assert.False(
        await Code("Optional(8,\n#region why\nAllocationFlags.NoFs\n#endregion\n);").FixFirstAsync(new RedundantFlagsFix()));

    [Fact]
    public async Task All_are_fixed_at_once()
    {
        CodeUnderTest code = Code("Optional(1, AllocationFlags.NoFs); Allocate(2, AllocationFlags.NoFs);");
        await code.FixAllAsync(new RedundantFlagsFix());
        Assert.Equal(await Code("Optional(1); Allocate(2, AllocationFlags.Kernel);").TextAsync(), await code.TextAsync());
    }

    private static CodeUnderTest Code(string body) => new(new RedundantFlagsAnalyzer(), $$"""
        class C
        {
            MemoryGroup? _group = null;

            const AllocationFlags Short = AllocationFlags.NoFs;

            void Allocate(int bytes, AllocationFlags flags) => AllocationContext.MightAllocate(flags);

            void Optional(int bytes, AllocationFlags flags = AllocationFlags.Kernel, int last = 0) => Allocate(bytes, flags);

            void M()
            {
                using (AllocationScope.NoFs())
                {
                    {{body}}
                }
            }
        }
        """);
}
