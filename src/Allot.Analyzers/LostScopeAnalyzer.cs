using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>ALLOT003: a scope that is entered, and whose guard then is neither disposed nor given to anybody; or that
/// is stored in an object, which outlives the method that has to leave it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LostScopeAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        ImmutableArray.Create(Rules.LostScope);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (AllotApi.Find(start.Compilation) is not { } api) return;
            start.RegisterOperationAction(
                value => Analyze(value, api), OperationKind.Invocation, OperationKind.Await);
        });
    }

    private static void Analyze(OperationAnalysisContext context, AllotApi api)
    {
        IOperation call = context.Operation;
        if (!ScopeGuards.IsEntered(call, api)) return;

        IOperation value = WholeValue(call);
        string? what = IsLost(value, call) ? "is never left: nothing disposes it"
            : IsStored(value) ? "is stored, and has to be left by the method that has entered it"
            : null;
        if (what is null) return;

        context.ReportDiagnostic(
            Diagnostic.Create(Rules.LostScope, call.Syntax.GetLocation(), NameOf(call.Syntax), what));
    }

    private static string NameOf(SyntaxNode entering) => entering switch
    {
        AwaitExpressionSyntax await => NameOf(await.Expression),
        InvocationExpressionSyntax { Expression: { } called } => called.ToString(),
        _ => entering.ToString(),
    };

    private static IOperation WholeValue(IOperation call)
    {
        IOperation value = call;
        while (value.Parent is IConversionOperation or IConditionalOperation or ICoalesceOperation
            or IConditionalAccessOperation or IParenthesizedOperation
            && !IsCondition(value))
        {
            value = value.Parent;
        }

        return value;
    }

    // What is in a struct of the stack cannot outlive its method either: wrappers of the guards of a thread are fine.
    private static bool IsStored(IOperation value) => value.Parent switch
    {
        ISimpleAssignmentOperation { Target: var target } assignment when assignment.Value == value =>
            target is IArrayElementReferenceOperation
            || (target is IMemberReferenceOperation { Member.ContainingType.IsRefLikeType: false }),
        IFieldInitializerOperation or IPropertyInitializerOperation => true,
        _ => false,
    };

    private static bool IsLost(IOperation value, IOperation call)
    {
        return value.Parent switch
        {
            IExpressionStatementOperation => true,
            ISimpleAssignmentOperation { Target: IDiscardOperation } => true,
            ISimpleAssignmentOperation { Target: ILocalReferenceOperation target } assignment
                when assignment.Value == value => IsNeverUsed(target.Local, call),
            IVariableInitializerOperation { Parent: IVariableDeclaratorOperation declarator } =>
                !IsUsing(declarator) && IsNeverUsed(declarator.Symbol, call),
            _ => false,
        };
    }

    private static bool IsCondition(IOperation value) =>
        value.Parent is IConditionalOperation conditional && conditional.Condition == value;

    private static bool IsUsing(IOperation declarator)
    {
        for (IOperation? parent = declarator.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IUsingOperation or IUsingDeclarationOperation) return true;
            if (parent is IBlockOperation) return false;
        }

        return false;
    }

    // Whatever is done with the guard later, other than giving the local a new value, may be what leaves the scope:
    // Dispose, a using, a return, an argument, a field.
    private static bool IsNeverUsed(ILocalSymbol local, IOperation call)
    {
        IOperation root = call;
        while (root.Parent is not null) root = root.Parent;
        return !root.Descendants().OfType<ILocalReferenceOperation>().Any(reference =>
            SymbolEqualityComparer.Default.Equals(reference.Local, local)
            && !(reference.Parent is ISimpleAssignmentOperation assignment && assignment.Target == reference));
    }
}
