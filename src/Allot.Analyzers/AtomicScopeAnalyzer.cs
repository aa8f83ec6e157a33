using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>What may not be done where nothing may block: ALLOT004, a request that must succeed; ALLOT005, a call that
/// blocks, a lock, an await.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AtomicScopeAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        ImmutableArray.Create(Rules.MustSucceedInAtomic, Rules.BlockingInAtomic);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (AllotApi.Find(start.Compilation) is not { } api) return;

            var blocking = new BlockingCalls(start.Compilation);
            start.RegisterOperationAction(
                argument => AnalyzeRequest(argument, api), OperationKind.Argument);
            start.RegisterOperationAction(
                operation => AnalyzeBlocking(operation, api, blocking),
                OperationKind.Invocation,
                OperationKind.PropertyReference,
                OperationKind.ObjectCreation,
                OperationKind.Lock,
                OperationKind.Await,
                OperationKind.Loop,
                OperationKind.Using,
                OperationKind.UsingDeclaration);
        });
    }

    private static void AnalyzeRequest(OperationAnalysisContext context, AllotApi api)
    {
        var argument = (IArgumentOperation)context.Operation;
        if (argument.ArgumentKind != ArgumentKind.Explicit || !api.TakesFlags(argument.Parameter)) return;

        // Flags without any permission are no request, unless Allot is asked: they may be what a method looks for. And
        // Allot is not always asked for memory: Apply only says what would be left.
        ISymbol method = argument.Parameter!.ContainingSymbol;
        bool isOfAllot = api.IsAllot(method) && method.DeclaredAccessibility == Accessibility.Public;
        bool isAsked = isOfAllot && method.Name != "Apply";
        if (!api.TryGetConstant(argument.Value, out ulong flags) || (flags & api.MustSucceed) == 0) return;
        bool isRequest = isAsked || (!isOfAllot && (flags & api.Kernel) != 0);
        if (!isRequest && !isOfAllot) return;

        string? why = isRequest && (flags & api.DirectReclaim) == 0
            ? "these flags do not let it: 'DirectReclaim' is missing"
            : AtomicScopeAround(argument, api) is { } scope
                ? $"nothing waits inside '{scope.Name}': this call throws"
                : null;
        if (why is null) return;

        context.ReportDiagnostic(
            Diagnostic.Create(Rules.MustSucceedInAtomic, argument.Value.Syntax.GetLocation(), why));
    }

    private static void AnalyzeBlocking(OperationAnalysisContext context, AllotApi api, BlockingCalls blocking)
    {
        IOperation operation = context.Operation;
        if (blocking.NameOf(operation) is not { } name || AtomicScopeAround(operation, api) is not { } scope) return;
        if (CompletedTasks.IsKnownToBeOne(operation) || IsOnlyNamed(operation)) return;

        context.ReportDiagnostic(
            Diagnostic.Create(Rules.BlockingInAtomic, LocationOf(operation), name, $"'{scope.Name}'"));
    }

    private static bool IsOnlyNamed(IOperation operation)
    {
        for (IOperation? outer = operation.Parent; outer is not null; outer = outer.Parent)
        {
            if (outer is INameOfOperation) return true;
        }

        return false;
    }

    private static EnteredScope? AtomicScopeAround(IOperation operation, AllotApi api) =>
        ScopeRegions.Around(operation, api).FirstOrDefault(scope => scope.IsAtomic);

    // A statement with a body is shown by its first words.
    private static Location LocationOf(IOperation operation) => operation.Syntax switch
    {
        LockStatementSyntax statement => statement.LockKeyword.GetLocation(),
        AwaitExpressionSyntax await => await.AwaitKeyword.GetLocation(),
        CommonForEachStatementSyntax loop => loop.AwaitKeyword.GetLocation(),
        UsingStatementSyntax statement => statement.AwaitKeyword.GetLocation(),
        LocalDeclarationStatementSyntax declaration => declaration.AwaitKeyword.GetLocation(),
        SyntaxNode syntax => syntax.GetLocation(),
    };
}
