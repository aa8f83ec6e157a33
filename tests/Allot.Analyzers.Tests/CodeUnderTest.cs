using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Allot.Analyzers.Tests;

/// <summary>A project with one or more files that refers to the real Allot: what the analyzers report in it, and what
/// the fixes make of it.</summary>
/// <remarks>The expected reports are in the text: <c>[|marked|]</c> is where one begins and ends.</remarks>
internal sealed partial class CodeUnderTest
{
    private static readonly ImmutableArray<MetadataReference> s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } name
                && (name.StartsWith("System.", StringComparison.Ordinal) || name is "Allot.dll" or "netstandard.dll"
                    or "mscorlib.dll"))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    // Only for its services: solutions do not change, each test has its own.
    private static readonly AdhocWorkspace s_workspace = new();

    private static readonly string[] s_usings =
        ["Allot", "System", "System.Collections.Generic", "System.IO", "System.Threading", "System.Threading.Tasks"];

    private readonly Dictionary<DocumentId, ImmutableArray<TextSpan>> _marks = [];
    private readonly DiagnosticAnalyzer _analyzer;

    internal CodeUnderTest(DiagnosticAnalyzer analyzer, params string[] sources)
    {
        _analyzer = analyzer;
        ProjectId project = AddProject("Project", OutputKind.DynamicallyLinkedLibrary);
        Solution = Solution.AddDocument(
            DocumentId.CreateNewId(project),
            "Usings.cs",
            string.Concat(s_usings.Select(name => $"global using {name};\n")));
        foreach (string source in sources) Add(project, source);
        Project = project;
    }

    internal Solution Solution { get; set; } = null!;

    internal ProjectId Project { get; }

    internal DocumentId[] Documents => [.. _marks.Keys];

    internal ProjectId AddProject(string name, OutputKind kind)
    {
        Solution ??= s_workspace.CurrentSolution;
        var id = ProjectId.CreateNewId();
        Solution = Solution.AddProject(ProjectInfo.Create(
            id,
            VersionStamp.Create(),
            name,
            name,
            LanguageNames.CSharp,
            compilationOptions: new CSharpCompilationOptions(
                kind, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable),
            parseOptions: new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.Diagnose),
            metadataReferences: s_references));
        return id;
    }

    internal DocumentId Add(ProjectId project, string source)
    {
        var id = DocumentId.CreateNewId(project);
        (string text, ImmutableArray<TextSpan> marks) = ReadMarks(source);
        Solution = Solution.AddDocument(id, $"File{_marks.Count}.cs", text);
        _marks[id] = marks;
        return id;
    }

    /// <summary>Reports exactly what is marked; the code compiles.</summary>
    internal async Task<ImmutableArray<Diagnostic>> AssertReportsAsync()
    {
        ImmutableArray<Diagnostic> found = await AnalyzeAsync();
        foreach ((DocumentId id, ImmutableArray<TextSpan> marks) in _marks)
        {
            SourceText text = await Solution.GetDocument(id)!.GetTextAsync();
            SyntaxTree tree = (await Solution.GetDocument(id)!.GetSyntaxTreeAsync())!;
            string[] expected = [.. marks.Select(mark => $"{mark.Start}: {text.ToString(mark)}")];
            string[] actual =
            [
                .. found.Where(diagnostic => diagnostic.Location.SourceTree == tree)
                    .Select(diagnostic => diagnostic.Location.SourceSpan)
                    .Select(span => $"{span.Start}: {text.ToString(span)}"),
            ];
            Assert.Equal(expected, actual);
        }

        return found;
    }

    internal async Task AssertCompilesAsync()
    {
        foreach (ProjectId project in Solution.ProjectIds)
        {
            Compilation compilation = (await Solution.GetProject(project)!.GetCompilationAsync())!;
            Assert.Empty(compilation.GetDiagnostics()
                .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        }
    }

    /// <summary>What is reported in the project, in the order of the text. Code that does not compile is a mistake of the
    /// test.</summary>
    internal async Task<ImmutableArray<Diagnostic>> AnalyzeAsync()
    {
        await AssertCompilesAsync();
        Compilation compilation = (await Solution.GetProject(Project)!.GetCompilationAsync())!;
        var thrown = new List<Exception>();
        CompilationWithAnalyzers analysis = compilation.WithAnalyzers(
            [_analyzer],
            new CompilationWithAnalyzersOptions(
                new AnalyzerOptions([]),
                onAnalyzerException: (exception, _, _) => thrown.Add(exception),
                concurrentAnalysis: false,
                logAnalyzerExecutionTime: false));
        ImmutableArray<Diagnostic> found = await analysis.GetAnalyzerDiagnosticsAsync();
        Assert.Empty(thrown);
        return [.. found.OrderBy(diagnostic => diagnostic.Location.SourceTree?.FilePath, StringComparer.Ordinal)
            .ThenBy(diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    /// <summary>The titles of the fixes that are offered for a report.</summary>
    internal async Task<CodeAction[]> FixesAsync(CodeFixProvider provider, Diagnostic diagnostic)
    {
        var actions = new List<CodeAction>();
        Document document = Solution.GetDocument(diagnostic.Location.SourceTree)!;
        await provider.RegisterCodeFixesAsync(new CodeFixContext(
            document, diagnostic, (action, _) => actions.Add(action), TestContext.Current.CancellationToken));
        return [.. actions];
    }

    /// <summary>Applies the fix to everything in the solution, as <c>dotnet format</c> does.</summary>
    internal async Task FixAllAsync(CodeFixProvider provider)
    {
        ImmutableArray<Diagnostic> found = await AnalyzeAsync();
        string? key = null;
        foreach (Diagnostic diagnostic in found)
        {
            if ((await FixesAsync(provider, diagnostic)) is [{ } first, ..])
            {
                key = first.EquivalenceKey;
                break;
            }
        }

        var context = new FixAllContext(
            Solution.GetDocument(found[0].Location.SourceTree)!,
            provider,
            FixAllScope.Solution,
            key!,
            provider.FixableDiagnosticIds,
            new Found(this, found),
            TestContext.Current.CancellationToken);
        await ApplyAsync((await provider.GetFixAllProvider()!.GetFixAsync(context))!);
    }

    internal async Task<bool> FixFirstAsync(CodeFixProvider provider, string? equivalenceKey = null)
    {
        foreach (Diagnostic diagnostic in await AnalyzeAsync())
        {
            CodeAction? fix = (await FixesAsync(provider, diagnostic))
                .FirstOrDefault(action => equivalenceKey is null || action.EquivalenceKey == equivalenceKey);
            if (fix is null) continue;

            await ApplyAsync(fix);
            return true;
        }

        return false;
    }

    internal async Task ApplyAsync(CodeAction fix)
    {
        ImmutableArray<CodeActionOperation> operations =
            await fix.GetOperationsAsync(TestContext.Current.CancellationToken);
        Solution = Assert.Single(operations.OfType<ApplyChangesOperation>()).ChangedSolution;
        await AssertCompilesAsync();
    }

    internal async Task<string> TextAsync(int document = 0) =>
        (await Solution.GetDocument(Documents[document])!.GetTextAsync()).ToString().ReplaceLineEndings("\n");

    private static (string Text, ImmutableArray<TextSpan> Marks) ReadMarks(string source)
    {
        source = source.ReplaceLineEndings("\n");
        var marks = ImmutableArray.CreateBuilder<TextSpan>();
        int start = 0;
        int removed = 0;
        string text = Mark().Replace(source, mark =>
        {
            if (mark.Value == "[|") start = mark.Index - removed;
            else marks.Add(TextSpan.FromBounds(start, mark.Index - removed));
            removed += mark.Length;
            return "";
        });
        return (text, marks.ToImmutable());
    }

    private sealed class Found(CodeUnderTest code, ImmutableArray<Diagnostic> all) : FixAllContext.DiagnosticProvider
    {
        public override Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(
            Document document, CancellationToken cancellationToken) => Task.FromResult(all.Where(diagnostic =>
                code.Solution.GetDocument(diagnostic.Location.SourceTree)?.Id == document.Id));

        public override Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(
            Project project, CancellationToken cancellationToken) =>
            Task.FromResult(Enumerable.Empty<Diagnostic>());

        public override Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(
            Project project, CancellationToken cancellationToken) =>
            Task.FromResult(all.Where(_ => project.Id == code.Project));
    }

    [GeneratedRegex(@"\[\||\|\]")]
    private static partial Regex Mark();
}
