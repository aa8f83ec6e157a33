namespace Allot.Analyzers.Tests;

/// <summary>The package does in a fresh project what the analyzers do here: the compiler of the SDK loads them and
/// reports, and <c>dotnet format</c> applies the fixes.</summary>
public sealed class PackageTests
{
    private const string Before = """
        using Allot;

        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        group.Enter();
        Store.Save();
        Store.LoadAsync().Wait();
        using (AllocationScope.NoFs())
        {
            Store.Allocate(AllocationFlags.NoFs);
        }

        using (AllocationScope.Atomic())
        {
            if (args.Length > 0) Thread.Sleep(1);
            if (args.Length > 0) Store.Allocate(AllocationFlags.Kernel | AllocationFlags.MustSucceed);
        }

        internal static class Store
        {
            internal static void Save() => Outer(AllocationFlags.NoIo);

            internal static async Task LoadAsync()
            {
                await Task.Yield();
                Outer(AllocationFlags.NoFs);
            }

            private static void Outer(AllocationFlags flags) => Inner(flags);

            private static void Inner(AllocationFlags flags) => Allocate(flags);

            internal static void Allocate(AllocationFlags flags = AllocationFlags.Kernel) =>
                Console.WriteLine(AllocationContext.Apply(flags));
        }

        """;

    [Fact]
    public async Task A_fresh_project_sees_the_reports_and_gets_the_fixes()
    {
        using var project = new FreshProject(Before);
        await project.RestoreAsync();
        string page = Rules.HandedThroughFlags.HelpLinkUri.Split('#')[0];
        Assert.Contains("# The analyzers", project.ReadFromPackage(page), StringComparison.Ordinal);
        Assert.Equal(
            ["4 ALLOT003", "9 ALLOT001", "14 ALLOT005", "15 ALLOT004", "28 ALLOT002", "30 ALLOT002"],
            await project.BuildAsync());
        string does = await project.RunAsync();

        await project.FixAsync("ALLOT001", "ALLOT002", "ALLOT003");

        Assert.Equal(Before
            .Replace("\ngroup.Enter();", "\nusing ActiveGroupScope scope = group.Enter();", StringComparison.Ordinal)
            .Replace("Store.Allocate(AllocationFlags.NoFs);", "Store.Allocate();", StringComparison.Ordinal)
            .Replace(
                " => Outer(AllocationFlags.NoIo);",
                "\n    {\n        using (AllocationScope.NoIo())\n        {\n            Outer();\n        }\n    }",
                StringComparison.Ordinal)
            .Replace(
                "        Outer(AllocationFlags.NoFs);\n",
                "        using (AllocationScope.NoFs())\n        {\n            Outer();\n        }\n",
                StringComparison.Ordinal)
            .Replace("Outer(AllocationFlags flags) => Inner(flags);", "Outer() => Inner();", StringComparison.Ordinal)
            .Replace("Inner(AllocationFlags flags) => Allocate(flags);", "Inner() => Allocate();", StringComparison.Ordinal)
            .ReplaceLineEndings("\n"), project.Program);
        Assert.Equal(["14 ALLOT005", "15 ALLOT004"], await project.BuildAsync());
        Assert.Equal(does, await project.RunAsync());
    }
}
