using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;

namespace Allot.Analyzers.Tests;

/// <summary>ALLOT002: chains before and after.</summary>
public sealed class HandedThroughFlagsFixTests
{
    [Fact]
    public async Task A_chain_is_converted_as_a_whole()
    {
        CodeUnderTest code = Code("""
            internal static class Store
            {
                internal static void Save(int bytes)
                {
                    // The lock of the file system is held.
                    Outer(bytes, AllocationFlags.NoFs);
                    Outer(2 * bytes, AllocationFlags.NoFs);   // twice
                    Outer(bytes, AllocationFlags.Kernel);
                }

                /// <summary>Writes.</summary>
                /// <param name="bytes">How much.</param>
                /// <param name="flags">What the caller may do.</param>
                static void Outer(int bytes, AllocationFlags flags)
                {
                    Inner(bytes, flags);
                    Inner(flags: flags, bytes: 3);
                    Inner(4);
                }

                static void Inner(int bytes, AllocationFlags flags = AllocationFlags.Kernel) =>
                    Allocate(bytes, flags | AllocationFlags.Zero);

                static void Allocate(int bytes, AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        // 'Inner(4)' asks for everything, and would be inside of the scope of 'Save': nothing is offered.
        Assert.False(await code.FixFirstAsync(new HandedThroughFlagsFix()));

        code = Code((await code.TextAsync()).Replace("        Inner(4);\n", "", StringComparison.Ordinal));
        Assert.True(await code.FixFirstAsync(new HandedThroughFlagsFix(), HandedThroughFlagsFix.Chain));
        Assert.Equal("""
            internal static class Store
            {
                internal static void Save(int bytes)
                {
                    // The lock of the file system is held.
                    using (AllocationScope.NoFs())
                    {
                        Outer(bytes);
                        Outer(2 * bytes);
                    }   // twice
                    Outer(bytes);
                }

                /// <summary>Writes.</summary>
                /// <param name="bytes">How much.</param>
                static void Outer(int bytes)
                {
                    Inner(bytes);
                    Inner(bytes: 3);
                }

                static void Inner(int bytes) =>
                    Allocate(bytes, AllocationFlags.Kernel | AllocationFlags.Zero);

                static void Allocate(int bytes, AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """, await code.TextAsync());
        Assert.Empty(await code.AnalyzeAsync());
    }

    [Fact]
    public async Task One_method_is_converted_from_the_outside_in()
    {
        CodeUnderTest code = Code("""
            internal static class Store
            {
                static void Save() => Outer(AllocationFlags.NoIo);
                static void Outer(AllocationFlags flags) => Inner(flags);
                static void Inner(AllocationFlags flags) => Allocate(flags);
                static void Allocate(AllocationFlags flags = AllocationFlags.Kernel) => AllocationContext.MightAllocate(flags);
            }
            """);
        Diagnostic[] found = [.. await code.AnalyzeAsync()];
        CodeAction[] outer = await code.FixesAsync(new HandedThroughFlagsFix(), found[0]);
        CodeAction[] inner = await code.FixesAsync(new HandedThroughFlagsFix(), found[1]);
        Assert.Equal(
            ["Replace 'flags' by a scope, in all 2 methods of the chain", "Replace 'flags' by a scope, in 'Outer' only"],
            outer.Select(action => action.Title));
        Assert.Equal(["Replace 'flags' by a scope, in all 2 methods of the chain"], inner.Select(action => action.Title));

        await code.ApplyAsync(outer[1]);
        Assert.Equal("""
            internal static class Store
            {
                static void Save()
                {
                    using (AllocationScope.NoIo())
                    {
                        Outer();
                    }
                }
                static void Outer() => Inner(AllocationFlags.Kernel);
                static void Inner(AllocationFlags flags) => Allocate(flags);
                static void Allocate(AllocationFlags flags = AllocationFlags.Kernel) => AllocationContext.MightAllocate(flags);
            }
            """, await code.TextAsync());

        Assert.True(await code.FixFirstAsync(new HandedThroughFlagsFix()));
        Assert.Contains("static void Outer() => Inner();", await code.TextAsync(), StringComparison.Ordinal);
        Assert.Contains("static void Inner() => Allocate();", await code.TextAsync(), StringComparison.Ordinal);
        Assert.Empty(await code.AnalyzeAsync());
    }

    [Theory]
    [InlineData("var n = M(AllocationFlags.NoFs);\n        Use(n);",
        "int n;\n        using (AllocationScope.NoFs())\n        {\n            n = M();\n        }\n        Use(n);")]
    [InlineData("int L()\n        {\n            return M(AllocationFlags.NoFs);\n        }",
        "int L()\n        {\n            using (AllocationScope.NoFs())\n            {\n                return M();\n            }\n        }")]
    [InlineData("int L() => M(AllocationFlags.NoFs);",
        "int L()\n        {\n            using (AllocationScope.NoFs())\n            {\n                return M();\n            }\n        }")]
    [InlineData("int n = 0;\n        n += 2 * M(AllocationFlags.NoFs);",
        "int n = 0;\n        using (AllocationScope.NoFs())\n        {\n            n += 2 * M();\n        }")]
    [InlineData("if (_now) M(AllocationFlags.NoFs);",
        "if (_now) using (AllocationScope.NoFs())\n            {\n                M();\n            }")]
    [InlineData("Use(M(AllocationFlags.Kernel));", "Use(M());")]
    [InlineData("using (AllocationScope.NoFs()) Use(M(AllocationFlags.NoFs));",
        "using (AllocationScope.NoFs()) Use(M());")]
    [InlineData("_other?.M(AllocationFlags.NoFs);",
        "using (AllocationScope.NoFs())\n        {\n            _other?.M();\n        }")]
    [InlineData("Action later = () =>\n        {\n            M(AllocationFlags.NoFs);\n        };",
        "Action later = () =>\n        {\n            using (AllocationScope.NoFs())\n            {\n                M();\n            }\n        };")]
    public async Task A_call_keeps_its_place(string before, string after)
    {
        CodeUnderTest code = Method(before, "AllocationFlags flags");
        await code.AssertCompilesAsync();
        await code.FixAllAsync(new HandedThroughFlagsFix());
        string expected = await Method(after, "").TextAsync();
        string actual = (await code.TextAsync())
            .Replace("M() { Allocate(); return 1; }", "M() { Allocate(flags); return 1; }", StringComparison.Ordinal);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task Asynchronous_work_gets_a_flowing_scope()
    {
        CodeUnderTest code = Code("""
            internal sealed class Store
            {
                async Task SaveAsync()
                {
                    await OuterAsync(8, AllocationFlags.NoFs).ConfigureAwait(false);
                    int n = await OuterAsync(9, AllocationFlags.NoIo);
                }

                Task Begin() => OuterAsync(1, AllocationFlags.NoFs);

                async Task<int> OuterAsync(int bytes, AllocationFlags flags)
                {
                    await Task.Yield();
                    Allocate(flags);
                    return bytes;
                }

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        await code.FixAllAsync(new HandedThroughFlagsFix());
        Assert.Equal("""
            internal sealed class Store
            {
                async Task SaveAsync()
                {
                    using (FlowingScope.NoFs())
                    {
                        await OuterAsync(8).ConfigureAwait(false);
                    }
                    int n;
                    using (FlowingScope.NoIo())
                    {
                        n = await OuterAsync(9);
                    }
                }

                Task Begin()
                {
                    using (FlowingScope.NoFs())
                    {
                        return OuterAsync(1);
                    }
                }

                async Task<int> OuterAsync(int bytes)
                {
                    await Task.Yield();
                    Allocate(AllocationFlags.Kernel);
                    return bytes;
                }

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """, await code.TextAsync());
    }

    [Fact]
    public async Task All_chains_of_a_project_are_converted_across_files()
    {
        var code = new CodeUnderTest(
            new HandedThroughFlagsAnalyzer(),
            """
            internal static class Begin
            {
                static void Save() => Store.Write(AllocationFlags.NoFs);
                static void Load() => Store.Read(AllocationFlags.NoIo);
                static void Keep() => Store.Keep(AllocationFlags.NoFs | AllocationFlags.Zero);
            }
            """,
            """
            internal static class Store
            {
                internal static void Write(AllocationFlags flags) => Common(flags);
                internal static void Read(AllocationFlags flags) => Common(flags);
                internal static void Keep(AllocationFlags flags) => Allocate(flags);
                private static void Common(AllocationFlags flags) => Allocate(flags);
                private static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        await code.FixAllAsync(new HandedThroughFlagsFix());
        Assert.Equal("""
            internal static class Store
            {
                internal static void Write() => Common();
                internal static void Read() => Common();
                internal static void Keep(AllocationFlags flags) => Allocate(flags);
                private static void Common() => Allocate(AllocationFlags.Kernel);
                private static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """, await code.TextAsync(1));
        Assert.Contains("using (AllocationScope.NoIo())", await code.TextAsync(), StringComparison.Ordinal);
        Assert.Contains("Store.Keep(AllocationFlags.NoFs | AllocationFlags.Zero)", await code.TextAsync(), StringComparison.Ordinal);
    }

    private static CodeUnderTest Method(string body, string parameter) => Code($$"""
        internal sealed class C
        {
            bool _now = true;
            C? _other = null;

            void Test()
            {
                {{body}}
            }

            int M({{parameter}}) { Allocate(flags); return 1; }

            static void Use(int n) { }

            static void Allocate(AllocationFlags flags = AllocationFlags.Kernel) => AllocationContext.MightAllocate(flags);
        }
        """);

    private static CodeUnderTest Code(string source) => new(new HandedThroughFlagsAnalyzer(), source);
}
