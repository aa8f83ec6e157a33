using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>ALLOT002: which parameters are found, and what the message says.</summary>
public sealed class HandedThroughFlagsTests
{
    [Fact]
    public async Task Every_method_of_a_chain_is_found_and_its_ends_are_not() =>
        await Code("""
            internal static class Store
            {
                static void Begin() => Outer(8, AllocationFlags.NoFs);

                static void Outer(int bytes, AllocationFlags [|flags|]) => Inner(bytes, flags);

                static void Inner(int bytes, AllocationFlags [|flags|]) => Allocate(bytes, flags | AllocationFlags.Zero);

                static void Allocate(int bytes, AllocationFlags flags)
                {
                    flags = AllocationContext.Apply(flags);
                }

                static void Annotate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);

                static bool Look(AllocationFlags flags) => (flags & AllocationFlags.Io) != 0;

                static void Both(AllocationFlags flags)
                {
                    if (flags == AllocationFlags.Kernel) return;
                    Annotate(flags);
                }

                static void Relax(AllocationFlags flags) => Annotate(flags | AllocationFlags.FileSystem);

                static void Ignore(AllocationFlags flags) { }
            }
            """).AssertReportsAsync();

    [Theory]
    [InlineData("public static void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "it is part of the public surface of its assembly")]
    [InlineData("protected virtual void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "it is part of the public surface of its assembly")]
    [InlineData("internal virtual void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "it is virtual")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N() { Action<int, AllocationFlags> later = M; }",
        "it is named where it is not called")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N() => M(1, AllocationFlags.NoFs | AllocationFlags.Zero);",
        "the flags that 'N' passes are also attributes of the memory")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); AllocationFlags _mine; void N() => M(1, _mine);",
        "'N' passes flags that are not constant")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N() => M(1, AllocationFlags.Atomic);",
        "no scope means what the flags in 'N' mean")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N() => M(1, AllocationFlags.None);",
        "no scope means what the flags in 'N' mean")]
    [InlineData("void M(int bytes, AllocationFlags flags) { Action later = () => Allocate(bytes, flags); }",
        "part of it runs after the call, when a scope of the caller has ended")]
    [InlineData("IEnumerable<int> M(AllocationFlags flags) { Allocate(1, flags); yield return 1; }",
        "part of it runs after the call, when a scope of the caller has ended")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Look(flags); static bool Look(AllocationFlags flags) => (flags & AllocationFlags.Io) != 0;",
        "'Look' does not go by the context alone")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void M(int bytes) { }",
        "there is another method 'M'")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void M(long bytes) { } void N() => M(1, AllocationFlags.NoFs);",
        "there is another method 'M'")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N() { if (Now()) { } M(Next(), AllocationFlags.NoFs); } int Next() => 1; bool Now() => true;",
        "'Next' in 'N' would be inside of the scope too")]
    [InlineData("bool M(AllocationFlags flags) { Allocate(1, flags); return true; } void N() { if (M(AllocationFlags.NoFs)) { } }",
        "the call in 'N' is no statement of its own")]
    [InlineData("void M(out int n, AllocationFlags flags) { n = 1; Allocate(1, flags); } int N() { M(out int n, AllocationFlags.NoFs); return n; }",
        "the call in 'N' is no statement of its own")]
    [InlineData("void M(AllocationFlags flags) { Allocate(1, flags); Other(); } void Other() => Allocate(2, AllocationFlags.Kernel); void N() => M(AllocationFlags.NoFs);",
        "'Other' also runs 'Allocate', which the scope may restrict too")]
    [InlineData("void M(AllocationFlags flags) { Allocate(1, flags); _ = Size; } int Size { get { Allocate(2, AllocationFlags.Kernel); return 1; } } void N() => M(AllocationFlags.NoFs);",
        "'get_Size' also runs 'Allocate', which the scope may restrict too")]
    [InlineData("void M(AllocationFlags flags) { Allocate(1, flags); _group!.Charge(MemoryKind.User, 1); } void N() => M(AllocationFlags.NoFs); MemoryGroup? _group;",
        "'M' also runs 'Charge', which the scope may restrict too")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N() => M(1, AllocationFlags.BackgroundReclaim);",
        "no scope means what the flags in 'N' mean")]
    [InlineData("[Obsolete] void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "it has attributes, which others may go by")]
    [InlineData("void M(in AllocationFlags flags) => Allocate(1, flags);",
        "the flags are passed by reference")]
    [InlineData("void M(AllocationFlags flags)\n{\n#if !NEVER\nAllocate(1, flags);\n#endif\n}",
        "part of it is compiled conditionally")]
    [InlineData("void N()\n{\n#if OTHER\nM(1, AllocationFlags.NoIo);\n#endif\n} void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "code of another configuration has its name")]
    [InlineData("void N() { M(\n#if !NEVER\n1,\n#endif\nAllocationFlags.Kernel); } void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "the call in 'N' is not understood")]
    [InlineData("void M(int bytes,\n#region why\nAllocationFlags flags\n#endregion\n) => Allocate(bytes, flags);",
        "directives stand among its parameters or arguments")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes,\n#region why\nflags\n#endregion\n);",
        "directives stand among its parameters or arguments")]
    [InlineData("void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags); void N()\n#region why\n=> M(1, AllocationFlags.NoFs);\n#endregion\n",
        "the call in 'N' is no statement of its own")]
    [InlineData("void Where(AllocationFlags flags) => Allocate(1, flags);",
        "the language calls methods of its name by itself")]
    [InlineData("internal sealed class D { public void M(AllocationFlags flags) => Allocate(1, flags); } [System.Runtime.CompilerServices.CompilerGenerated] void N() => new D().M(AllocationFlags.NoFs);",
        "'D' in 'N' would be inside of the scope too")]
    [InlineData("internal class D { public void M(AllocationFlags flags) => Allocate(1, flags); }",
        "it is public, and a type derived from 'D' may implement an interface with it")]
    [InlineData("/// <summary>See <see cref=\"M(int, AllocationFlags)\"/>.</summary>\nvoid N() { } void M(int bytes, AllocationFlags flags) => Allocate(bytes, flags);",
        "documentation refers to it with its parameters")]
    public async Task What_stands_in_the_way_is_in_the_message(
        string members, string reason)
    {
        CodeUnderTest code = Code($$"""
            public class C
            {
                {{members}}

                static void Allocate(int bytes, AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        Diagnostic found = Assert.Single(await code.AnalyzeAsync());
        Assert.Contains($"(no fix: {reason})", found.GetMessage(), StringComparison.Ordinal);
        Assert.Equal(DiagnosticSeverity.Info, found.Severity);
        Assert.Empty(await code.FixesAsync(new HandedThroughFlagsFix(), found));
    }

    [Fact]
    public async Task A_method_below_one_that_keeps_its_flags_says_whose_they_are()
    {
        CodeUnderTest code = Code("""
            public class C
            {
                public void Outer(AllocationFlags flags) => Inner(flags);

                void Inner(AllocationFlags flags) => Allocate(flags);

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        string[] messages = [.. (await code.AnalyzeAsync()).Select(found => found.GetMessage())];
        Assert.Equal(2, messages.Length);
        Assert.Contains("'Outer' hands its own flags to it and keeps them: it is part of the public", messages[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interface_keeps_its_implementations()
    {
        CodeUnderTest code = Code("""
            interface IStore { void Write(AllocationFlags flags); }

            class Store : IStore
            {
                public void Write(AllocationFlags flags) => Allocate(flags);

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        Assert.Contains("it implements an interface", Assert.Single(await code.AnalyzeAsync()).GetMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_in_generated_code_keeps_the_flags()
    {
        var code = new CodeUnderTest(
            new HandedThroughFlagsAnalyzer(),
            """
            internal static class Store
            {
                internal static void Write(AllocationFlags flags) => Allocate(flags);

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """,
            """
            // <auto-generated/>
            internal static class Generated { static void Save() => Store.Write(AllocationFlags.NoFs); }
            """);
        Assert.Contains("generated code uses it", Assert.Single(await code.AnalyzeAsync()).GetMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_project_that_sees_the_internals_keeps_their_flags_and_not_those_of_private_methods()
    {
        CodeUnderTest code = Code("""
            [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Other, PublicKey=1")]

            internal static class Store
            {
                internal static void Write(AllocationFlags flags) => Allocate(flags);

                private static void Read(AllocationFlags flags) => Allocate(flags);

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        Diagnostic[] found = [.. await code.AnalyzeAsync()];
        Assert.Contains("'Other' sees the internals of the project", found[0].GetMessage(), StringComparison.Ordinal);
        Assert.Equal(DiagnosticSeverity.Info, found[0].Severity);
        Assert.Empty(await code.FixesAsync(new HandedThroughFlagsFix(), found[0]));
        Assert.Equal(DiagnosticSeverity.Warning, found[1].Severity);
        Assert.NotEmpty(await code.FixesAsync(new HandedThroughFlagsFix(), found[1]));
    }

    [Fact]
    public async Task A_program_keeps_the_flags_of_its_public_methods_which_a_test_may_call()
    {
        CodeUnderTest code = Code("""
            public static class Store
            {
                public static void Write(AllocationFlags flags) => Allocate(flags);

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }

            public static class Program { static void Main() { } }
            """);
        code.Solution = code.Solution.WithProjectCompilationOptions(
            code.Project, code.Solution.GetProject(code.Project)!.CompilationOptions!.WithOutputKind(
                OutputKind.ConsoleApplication));
        Assert.Contains("public surface", Assert.Single(await code.AnalyzeAsync()).GetMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Methods_of_one_name_in_two_types_that_a_file_uses_as_its_own_keep_the_flags()
    {
        var code = new CodeUnderTest(
            new HandedThroughFlagsAnalyzer(),
            """
            internal static class One
            {
                internal static void Put(int bytes, AllocationFlags flags) => AllocationContext.MightAllocate(flags | AllocationFlags.Zero);
                internal static void Take(int bytes, AllocationFlags flags) => Put(bytes, flags);
            }

            internal static class Other { internal static void Take(long bytes) { } }
            """,
            "using static One; using static Other; internal static class User { static void M() => Take(1); }");
        Diagnostic found = (await code.AnalyzeAsync())[^1];
        Assert.Contains("there is another method 'Take'", found.GetMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_two_projects_is_not_changed()
    {
        CodeUnderTest code = Code("""
            internal static class Store
            {
                static void Save() => Write(AllocationFlags.NoFs);

                static void Write(AllocationFlags flags) => Allocate(flags);

                static void Allocate(AllocationFlags flags) => AllocationContext.MightAllocate(flags);
            }
            """);
        string text = await code.TextAsync();
        code.Solution = code.Solution.WithDocumentFilePath(code.Documents[0], "/shared/Store.cs")
            .WithProjectFilePath(code.Project, "/one/One.csproj");
        ProjectId other = code.AddProject("Other", OutputKind.DynamicallyLinkedLibrary);
        code.Solution = code.Solution.WithProjectFilePath(other, "/other/Other.csproj")
            .AddDocument(DocumentId.CreateNewId(other), "Store.cs", "using Allot; " + text, filePath: "/shared/Store.cs");
        await code.FixAllAsync(new HandedThroughFlagsFix());
        Assert.Equal(text, await code.TextAsync());
    }

    private static CodeUnderTest Code(string source) => new(new HandedThroughFlagsAnalyzer(), source);
}
