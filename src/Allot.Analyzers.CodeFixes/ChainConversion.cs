using System.Text.RegularExpressions;
using Allot.Analyzers.Chains;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Formatting;

namespace Allot.Analyzers;

/// <summary>Replaces the flags parameters of some methods by scopes: the parameters and their arguments go, calls that
/// knew the flags enter the scope, and where the flags ended, nothing is said of the context any more.</summary>
/// <remarks>All changes of a file are one walk over its old tree, so that changes inside of changes are no problem.
/// </remarks>
internal sealed class ChainConversion
{
    private readonly Dictionary<SyntaxNode, Func<SyntaxNode, SyntaxNode>> _changes = [];
    private readonly HashSet<SyntaxTree> _trees = [];
    private readonly AllotApi _api;

    private ChainConversion(AllotApi api) => _api = api;

    /// <summary>The solution without the flags of the methods, which are a whole chain, or the first of one.</summary>
    internal static async Task<Solution> ApplyAsync(
        Solution solution, IReadOnlyCollection<FlagMethod> methods, AllotApi api, CancellationToken cancellationToken)
    {
        var conversion = new ChainConversion(api);
        foreach (FlagMethod method in methods) conversion.Convert(method, methods);

        // A file that cannot be written, or that another project compiles too, keeps all as it is: half of a chain
        // would not compile.
        if (conversion._trees.Any(tree => solution.GetDocument(tree) is not { } document || IsShared(document)))
        {
            return solution;
        }

        foreach (SyntaxTree tree in conversion._trees)
        {
            Document document = solution.GetDocument(tree)!;
            SyntaxNode root = await tree.GetRootAsync(cancellationToken).ConfigureAwait(false);
            solution = solution.WithDocumentSyntaxRoot(
                document.Id, new Rewriter(conversion._changes).Visit(root)!);
        }

        return solution;
    }

    // A project for several frameworks is one project here.
    private static bool IsShared(Document document) => document.GetLinkedDocumentIds().Any(other =>
        document.Project.Solution.GetProject(other.ProjectId)?.FilePath != document.Project.FilePath);

    private void Convert(FlagMethod method, IReadOnlyCollection<FlagMethod> converted)
    {
        string name = method.Parameter.Name;
        Change(method.Declaration.ParameterList, node => ((ParameterListSyntax)node).WithParameters(
            ((ParameterListSyntax)node).Parameters.RemoveAt(method.Parameter.Ordinal)));
        Change(method.Declaration, node => node.WithLeadingTrivia(WithoutDocumentation(node.GetLeadingTrivia(), name)));

        foreach (FlagCall call in method.Calls)
        {
            if (call.Argument is { Parent: ArgumentListSyntax list } argument)
            {
                int index = list.Arguments.IndexOf(argument);
                Change(list, node => ((ArgumentListSyntax)node).Without(index));
            }

            if (call is { Scope: { } scope, Wrapped: { } wrapped }) Wrap(call, wrapped, scope);
        }

        foreach (Handover handover in method.Handovers)
        {
            bool isAlsoConverted = converted.Any(other =>
                SymbolEqualityComparer.Default.Equals(other.Symbol, handover.Target));
            if (isAlsoConverted || handover.Argument.Parent is not ArgumentListSyntax list) continue;

            int index = list.Arguments.IndexOf(handover.Argument);
            ulong flags = _api.Kernel | handover.AddedAttributes;
            bool isOmitted = Arguments.CanBeOmitted(
                handover.Argument, handover.Parameter, flags, _api, method.Model);
            Change(list, node => isOmitted
                ? ((ArgumentListSyntax)node).Without(index)
                : ((ArgumentListSyntax)node).With(index, FlagsSyntax.Of(flags, _api)));
        }
    }

    private void Change(SyntaxNode node, Func<SyntaxNode, SyntaxNode> change)
    {
        _changes[node] = _changes.TryGetValue(node, out Func<SyntaxNode, SyntaxNode>? before)
            ? inner => change(before(inner))
            : change;
        _trees.Add(node.SyntaxTree);
    }

    private void Wrap(FlagCall call, SyntaxNode wrapped, string scope)
    {
        switch (wrapped)
        {
            case LocalDeclarationStatementSyntax declaration:
                string type = TypeOf(call, declaration);
                Change(wrapped, node => Split((LocalDeclarationStatementSyntax)node, type, scope));
                break;
            case ArrowExpressionClauseSyntax { Parent: MethodDeclarationSyntax method }:
                Change(method, node => WithBody((MethodDeclarationSyntax)node, scope, IsValue(call, method)));
                break;
            case ArrowExpressionClauseSyntax { Parent: LocalFunctionStatementSyntax function }:
                Change(function, node => WithBody((LocalFunctionStatementSyntax)node, scope, IsValue(call, function)));
                break;
            default:
                Change(wrapped, node => Using((StatementSyntax)node, scope));
                break;
        }
    }

    private static UsingStatementSyntax Using(StatementSyntax statement, string scope) =>
        SyntaxFactory.UsingStatement(
                declaration: null,
                FlagsSyntax.Enter(scope),
                SyntaxFactory.Block(statement.WithoutTrivia().WithTrailingTrivia(SyntaxFactory.ElasticLineFeed)))
            .WithTriviaFrom(statement)
            .WithAdditionalAnnotations(Formatter.Annotation, new SyntaxAnnotation(Rewriter.Entered, scope));

    private static MethodDeclarationSyntax WithBody(MethodDeclarationSyntax method, string scope, bool isValue) =>
        method.WithBody(Body(method.ExpressionBody!, scope, isValue).WithTrailingTrivia(method.GetTrailingTrivia()))
            .WithExpressionBody(null).WithSemicolonToken(default)
            .WithParameterList(method.ParameterList.WithTrailingTrivia(SyntaxFactory.ElasticLineFeed));

    private static LocalFunctionStatementSyntax WithBody(
        LocalFunctionStatementSyntax function, string scope, bool isValue) =>
        function
            .WithBody(Body(function.ExpressionBody!, scope, isValue).WithTrailingTrivia(function.GetTrailingTrivia()))
            .WithExpressionBody(null).WithSemicolonToken(default)
            .WithParameterList(function.ParameterList.WithTrailingTrivia(SyntaxFactory.ElasticLineFeed));

    private static BlockSyntax Body(ArrowExpressionClauseSyntax arrow, string scope, bool isValue)
    {
        ExpressionSyntax expression = arrow.Expression.WithoutTrivia();
        StatementSyntax statement = isValue
            ? SyntaxFactory.ReturnStatement(expression)
            : SyntaxFactory.ExpressionStatement(expression);
        return SyntaxFactory.Block(Using(statement, scope)).WithAdditionalAnnotations(Formatter.Annotation);
    }

    // Whether the body of the method, written as an expression, is what the method returns.
    private static bool IsValue(FlagCall call, SyntaxNode declaration) =>
        call.Model.GetDeclaredSymbol(declaration) is IMethodSymbol { ReturnsVoid: false } method
        && !(method.IsAsync && method.ReturnType is INamedTypeSymbol { IsGenericType: false });

    // `int n = f(x);` becomes `int n; using (scope) { n = f(x); }`. The two statements are a marked block until the
    // list of statements that they are in is written.
    private static BlockSyntax Split(LocalDeclarationStatementSyntax declaration, string type, string scope)
    {
        VariableDeclaratorSyntax variable = declaration.Declaration.Variables[0];
        StatementSyntax first = SyntaxFactory.ParseStatement($"{type} {variable.Identifier.Text};\n")
            .WithLeadingTrivia(declaration.GetLeadingTrivia())
            .WithAdditionalAnnotations(Formatter.Annotation);
        ExpressionStatementSyntax assignment = SyntaxFactory.ExpressionStatement(SyntaxFactory.AssignmentExpression(
            SyntaxKind.SimpleAssignmentExpression,
            SyntaxFactory.IdentifierName(variable.Identifier.WithoutTrivia()),
            variable.Initializer!.Value));
        UsingStatementSyntax second = Using(assignment, scope).WithTrailingTrivia(declaration.GetTrailingTrivia());
        return SyntaxFactory.Block(first, second).WithAdditionalAnnotations(Rewriter.Splice);
    }

    private static string TypeOf(FlagCall call, LocalDeclarationStatementSyntax declaration)
    {
        if (!declaration.Declaration.Type.IsVar) return declaration.Declaration.Type.WithoutTrivia().ToString();

        ExpressionSyntax value = declaration.Declaration.Variables[0].Initializer!.Value;
        TypeInfo info = call.Model.GetTypeInfo(value);
        ITypeSymbol type = info.Type!.WithNullableAnnotation(
            info.Nullability.FlowState == NullableFlowState.MaybeNull
                ? NullableAnnotation.Annotated
                : NullableAnnotation.NotAnnotated);
        return type.ToMinimalDisplayString(call.Model, declaration.SpanStart);
    }

    private static SyntaxTriviaList WithoutDocumentation(SyntaxTriviaList trivia, string parameter)
    {
        string text = trivia.ToFullString();
        if (!text.Contains("///")) return trivia;

        string name = Regex.Escape(parameter);
        string without = Regex.Replace(
            text,
            $"""^[ \t]*///[ \t]*<param name="{name}">((?!</param>)[\s\S])*</param>[ \t]*\r?\n""",
            "",
            RegexOptions.Multiline);
        without = Regex.Replace(without, $"""<paramref name="{name}"[ ]*/>""", $"<c>{parameter}</c>");
        return without == text ? trivia : SyntaxFactory.ParseLeadingTrivia(without);
    }

    private sealed class Rewriter(Dictionary<SyntaxNode, Func<SyntaxNode, SyntaxNode>> changes) : CSharpSyntaxRewriter
    {
        /// <summary>A block that stands for the statements in it.</summary>
        internal static readonly SyntaxAnnotation Splice = new();

        /// <summary>The kind of the annotation of a new <c>using</c> statement; its data is the scope.</summary>
        internal const string Entered = "Allot.EnteredScope";

        public override SyntaxNode? Visit(SyntaxNode? node)
        {
            SyntaxNode? visited = base.Visit(node);
            return node is not null && changes.TryGetValue(node, out Func<SyntaxNode, SyntaxNode>? change)
                ? change(visited!)
                : visited;
        }

        public override SyntaxNode? VisitBlock(BlockSyntax node)
        {
            var visited = (BlockSyntax)base.VisitBlock(node)!;
            return visited.WithStatements(Spliced(visited.Statements));
        }

        public override SyntaxNode? VisitSwitchSection(SwitchSectionSyntax node)
        {
            var visited = (SwitchSectionSyntax)base.VisitSwitchSection(node)!;
            return visited.WithStatements(Spliced(visited.Statements));
        }

        public override SyntaxNode? VisitCompilationUnit(CompilationUnitSyntax node)
        {
            var visited = (CompilationUnitSyntax)base.VisitCompilationUnit(node)!;
            return visited.WithMembers(SyntaxFactory.List(visited.Members.SelectMany(member =>
                member is GlobalStatementSyntax { Statement: BlockSyntax block } && block.HasAnnotation(Splice)
                    ? block.Statements.Select(statement =>
                        (MemberDeclarationSyntax)SyntaxFactory.GlobalStatement(statement))
                    : new[] { member })));
        }

        // Blocks that stand for several statements become these, and neighbours that enter the same scope enter it
        // once, unless directives stand between them.
        private static SyntaxList<StatementSyntax> Spliced(SyntaxList<StatementSyntax> statements)
        {
            var spliced = new List<StatementSyntax>();
            foreach (StatementSyntax statement in statements)
            {
                IEnumerable<StatementSyntax> parts = statement is BlockSyntax block && block.HasAnnotation(Splice)
                    ? block.Statements
                    : new[] { statement };
                foreach (StatementSyntax part in parts) Add(spliced, part);
            }

            return SyntaxFactory.List(spliced);
        }

        private static void Add(List<StatementSyntax> statements, StatementSyntax statement)
        {
            int last = statements.Count - 1;
            if (last < 0 || ScopeOf(statement) is not { } scope || ScopeOf(statements[last]) != scope
                || statement.GetLeadingTrivia().Any(trivia => trivia.IsDirective))
            {
                statements.Add(statement);
                return;
            }

            var earlier = (UsingStatementSyntax)statements[last];
            var body = (BlockSyntax)earlier.Statement;
            StatementSyntax inner = ((BlockSyntax)((UsingStatementSyntax)statement).Statement).Statements[0];
            statements[last] = earlier
                .WithStatement(body.AddStatements(inner.WithLeadingTrivia(statement.GetLeadingTrivia())))
                .WithTrailingTrivia(statement.GetTrailingTrivia());
        }

        private static string? ScopeOf(StatementSyntax statement) =>
            statement.GetAnnotations(Entered).FirstOrDefault()?.Data;
    }
}
