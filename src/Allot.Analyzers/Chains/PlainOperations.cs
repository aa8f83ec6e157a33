using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>The operations of the language that run no code but that of their parts.</summary>
/// <remarks>A list: what is not in it, also a kind that a later language brings, may run anything.</remarks>
internal sealed class PlainOperations(FrameworkCode framework)
{
    private const int TextMax = 40;

    private static readonly HashSet<OperationKind> s_plain =
    [
        OperationKind.Argument, OperationKind.ArrayCreation, OperationKind.ArrayElementReference,
        OperationKind.ArrayInitializer, OperationKind.BinaryPattern, OperationKind.Block, OperationKind.Branch,
        OperationKind.CaseClause, OperationKind.CatchClause, OperationKind.CoalesceAssignment,
        OperationKind.Conditional, OperationKind.ConditionalAccess, OperationKind.ConditionalAccessInstance,
        OperationKind.ConstantPattern, OperationKind.ConstructorBody, OperationKind.DeclarationExpression,
        OperationKind.DeclarationPattern, OperationKind.DefaultValue, OperationKind.Discard,
        OperationKind.DiscardPattern, OperationKind.Empty, OperationKind.ExpressionStatement,
        OperationKind.FieldInitializer, OperationKind.FieldReference, OperationKind.InstanceReference,
        OperationKind.InterpolatedString, OperationKind.InterpolatedStringText, OperationKind.IsPattern,
        OperationKind.IsType, OperationKind.Labeled, OperationKind.Literal, OperationKind.LocalReference,
        OperationKind.Lock, OperationKind.MethodBody, OperationKind.NegatedPattern,
        OperationKind.ObjectOrCollectionInitializer, OperationKind.ParameterReference, OperationKind.Parenthesized,
        OperationKind.PropertyInitializer, OperationKind.RelationalPattern, OperationKind.Return,
        OperationKind.SimpleAssignment, OperationKind.SizeOf, OperationKind.Switch, OperationKind.SwitchCase,
        OperationKind.SwitchExpression, OperationKind.SwitchExpressionArm, OperationKind.Throw, OperationKind.Try,
        OperationKind.Tuple, OperationKind.TypePattern, OperationKind.VariableDeclaration,
        OperationKind.VariableDeclarationGroup, OperationKind.VariableDeclarator, OperationKind.VariableInitializer,
    ];

    internal FrameworkCode Framework { get; } = framework;

    /// <summary>Whether nothing runs with the operation but its parts, which are not looked at here.</summary>
    internal bool Contains(IOperation operation) => operation switch
    {
        IBinaryOperation binary => IsPlain(binary.OperatorMethod, binary.LeftOperand, binary.RightOperand)
            && (binary.Type?.SpecialType != SpecialType.System_String
                || (Framework.IsInert(binary.LeftOperand) && Framework.IsInert(binary.RightOperand))),
        ICompoundAssignmentOperation compound =>
            IsPlain(compound.OperatorMethod, compound.Target, compound.Value)
            && !compound.InConversion.IsUserDefined && !compound.OutConversion.IsUserDefined
            && (compound.Type?.SpecialType != SpecialType.System_String || Framework.IsInert(compound.Value)),
        IUnaryOperation unary => IsPlain(unary.OperatorMethod, unary.Operand),
        IIncrementOrDecrementOperation increment => IsPlain(increment.OperatorMethod, increment.Target),
        IConversionOperation conversion => IsPlain(conversion),
        ICoalesceOperation coalesce => !coalesce.ValueConversion.IsUserDefined,
        IInterpolationOperation interpolation => Framework.IsInert(interpolation.Expression),
        IForEachLoopOperation loop => IsPlain(loop),
        ILoopOperation loop => loop.LoopKind is LoopKind.For or LoopKind.While,
        _ => s_plain.Contains(operation.Kind),
    };

    /// <summary>How to name the operation to its author.</summary>
    internal static string NameOf(IOperation operation) => operation switch
    {
        IArgumentOperation { Parameter: { ContainingSymbol: { } called } } => called.Name,
        IBinaryOperation { OperatorMethod: { } method } => method.Name,
        IUnaryOperation { OperatorMethod: { } method } => method.Name,
        ICompoundAssignmentOperation { OperatorMethod: { } method } => method.Name,
        IIncrementOrDecrementOperation { OperatorMethod: { } method } => method.Name,
        IConversionOperation { OperatorMethod: { } method } => method.Name,
        IMemberReferenceOperation reference => reference.Member.Name,
        { Syntax: StatementSyntax statement } => statement.GetFirstToken().Text,
        { Syntax: { } syntax } => Shortened(syntax.ToString()),
    };

    private static string Shortened(string text)
    {
        text = text.Split('\n')[0].Trim();
        return text.Length <= TextMax ? text : text.Substring(0, TextMax) + "…";
    }

    // An operator of the language, or one of the framework on its own values.
    private bool IsPlain(IMethodSymbol? method, params IOperation[] operands) => method is null
        ? operands.All(operand => operand.Type?.TypeKind != TypeKind.Dynamic)
        : Framework.IsInert(method.ContainingType) && operands.All(operand => Framework.IsInert(operand));

    // Parts of a tuple may be converted by operators too.
    private bool IsPlain(IConversionOperation conversion) =>
        IsPlain(conversion.OperatorMethod, conversion.Operand)
        && (conversion.Conversion.IsIdentity || conversion.Type is { IsTupleType: false });

    private bool IsPlain(IForEachLoopOperation loop) =>
        !loop.IsAsynchronous
        && loop.Syntax is ForEachStatementSyntax syntax
        && Framework.IsSequence((loop.Collection is IConversionOperation { IsImplicit: true } conversion
            ? conversion.Operand
            : loop.Collection).Type)
        && loop.SemanticModel?.GetForEachStatementInfo(syntax) is { ElementConversion.IsUserDefined: false };
}
