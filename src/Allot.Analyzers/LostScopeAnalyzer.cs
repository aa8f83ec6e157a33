using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>ALLOT003: a scope that is entered, and whose guard then is neither disposed nor given to anybody; that is
/// stored in an object, which outlives the method that has to leave it; or that flows and is held across a
/// <c>yield</c>.</summary>
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
            start.RegisterOperationAction(argument => AnalyzeOut(argument, api), OperationKind.Argument);
        });
    }

    private static void Analyze(OperationAnalysisContext context, AllotApi api)
    {
        IOperation call = context.Operation;
        if (!ScopeGuards.IsEntered(call, api)) return;

        IOperation value = WholeValue(call);
        string? what = IsLost(value, call) ? "is never left: nothing disposes it; write 'using'"
            : IsStored(value) ? "is stored, and has to be left by the method that has entered it; write 'using'"
            : IteratorScopes.IsHeldAcrossYield(value, call)
                ? "is held across 'yield', where it holds for who asks for elements, or for nobody; leave it before"
                : null;
        if (what is null) return;

        context.ReportDiagnostic(
            Diagnostic.Create(Rules.LostScope, call.Syntax.GetLocation(), NameOf(call.Syntax), what));
    }

    // A lock that was tried gives its guard by a parameter.
    private static void AnalyzeOut(OperationAnalysisContext context, AllotApi api)
    {
        var argument = (IArgumentOperation)context.Operation;
        bool isGuard = argument is { Parameter: { RefKind: RefKind.Out } parameter, Parent: IInvocationOperation }
            && api.IsAllot(parameter.ContainingSymbol) && ScopedLocks.IsLock(parameter.Type.ContainingType);
        if (!isGuard || !IsLostIn(argument.Value, argument)) return;

        context.ReportDiagnostic(Diagnostic.Create(
            Rules.LostScope,
            argument.Value.Syntax.GetLocation(),
            NameOf(argument.Parent!.Syntax),
            "is never left: nothing disposes it; keep it, and write 'using'"));
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
            or IConditionalAccessOperation or IParenthesizedOperation or ISwitchExpressionArmOperation
            or ISwitchExpressionOperation
            && !IsCondition(value))
        {
            value = value.Parent;
        }

        return value;
    }

    // What is in a struct of the stack cannot outlive its method either: wrappers of the guards of a thread are fine.
    private static bool IsStored(IOperation value) =>
        value.Parent is IFieldInitializerOperation or IPropertyInitializerOperation or IArrayInitializerOperation
        || TargetOf(value) is IArrayElementReferenceOperation
            or IMemberReferenceOperation { Member.ContainingType.IsRefLikeType: false };

    private static bool IsLost(IOperation value, IOperation call) => value.Parent switch
    {
        IExpressionStatementOperation => true,
        IVariableInitializerOperation { Parent: IVariableDeclaratorOperation declarator } =>
            !IsUsing(declarator) && IsNeverUsed(declarator.Symbol, call),
        _ => TargetOf(value) is { } target && IsLostIn(target, call),
    };

    private static bool IsLostIn(IOperation target, IOperation call) => target switch
    {
        IDeclarationExpressionOperation declaration => IsLostIn(declaration.Expression, call),
        IDiscardOperation => true,
        ILocalReferenceOperation local => IsNeverUsed(local.Local, call),
        _ => false,
    };

    // What the value is assigned to, also as a part of a tuple.
    private static IOperation? TargetOf(IOperation value)
    {
        switch (value.Parent)
        {
            case ISimpleAssignmentOperation assignment when assignment.Value == value:
                return assignment.Target;
            case ICoalesceAssignmentOperation assignment when assignment.Value == value:
                return assignment.Target;
            case ITupleOperation tuple:
                IOperation whole = tuple;
                while (whole.Parent is IConversionOperation) whole = whole.Parent;
                if (whole.Parent is not IDeconstructionAssignmentOperation split || split.Value != whole) return null;
                IOperation target = split.Target is IDeclarationExpressionOperation declaration
                    ? declaration.Expression
                    : split.Target;
                return (target as ITupleOperation)?.Elements.ElementAtOrDefault(tuple.Elements.IndexOf(value));
            default:
                return null;
        }
    }

    private static bool IsCondition(IOperation value) => value.Parent switch
    {
        IConditionalOperation conditional => conditional.Condition == value,
        ISwitchExpressionArmOperation arm => arm.Value != value,
        ISwitchExpressionOperation choice => choice.Value == value,
        _ => false,
    };

    private static bool IsUsing(IOperation declarator)
    {
        for (IOperation? parent = declarator.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IUsingOperation or IUsingDeclarationOperation) return true;
            if (parent is IBlockOperation) return false;
        }

        return false;
    }

    // Whatever is done with the guard later, other than giving the local a new value or naming it, may be what leaves
    // the scope: Dispose, a using, a return, an argument, a field.
    private static bool IsNeverUsed(ILocalSymbol local, IOperation call) => !UsesOf(local, call).Any();

    /// <summary>Where the local is used otherwise than to keep a guard in it.</summary>
    internal static IEnumerable<IOperation> UsesOf(ILocalSymbol local, IOperation call)
    {
        IOperation root = call;
        while (root.Parent is not null) root = root.Parent;
        return root.Descendants().OfType<ILocalReferenceOperation>().Where(reference =>
            SymbolEqualityComparer.Default.Equals(reference.Local, local)
            && !reference.IsDeclaration
            && reference.Parent is not INameOfOperation
            && !IsTarget(reference));
    }

    private static bool IsTarget(IOperation reference) => reference.Parent switch
    {
        ISimpleAssignmentOperation assignment => assignment.Target == reference,
        ICoalesceAssignmentOperation assignment => assignment.Target == reference,
        IArgumentOperation { Parameter.RefKind: RefKind.Out } => true,
        IDeclarationExpressionOperation => true,
        ITupleOperation { Parent: IDeconstructionAssignmentOperation split } tuple => split.Target == tuple,
        _ => false,
    };
}
