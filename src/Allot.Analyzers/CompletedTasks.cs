using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>Results of tasks that the code has asked before whether they are there: who takes one does not wait.
/// </summary>
internal static class CompletedTasks
{
    private static readonly string[] s_questions = ["IsCompleted", "IsCompletedSuccessfully"];

    /// <summary>Whether the operation takes the result of a task, where a condition around it or before it has said
    /// that the task has completed.</summary>
    internal static bool IsKnownToBeOne(IOperation operation)
    {
        if (TaskOf(operation) is not { } task) return false;
        for (IOperation inner = operation; inner.Parent is { } outer && inner is not IAnonymousFunctionOperation;)
        {
            bool isKnown = outer switch
            {
                IConditionalOperation conditional when conditional.WhenTrue == inner =>
                    Says(conditional.Condition, task),
                IConditionalOperation conditional when conditional.WhenFalse == inner =>
                    Denies(conditional.Condition, task),
                IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd } both
                    when both.RightOperand == inner => Says(both.LeftOperand, task),
                IBlockOperation block => block.Operations.TakeWhile(before => before != inner)
                    .Any(before => IsExitUnless(before, task)),
                _ => false,
            };
            if (isKnown) return true;
            inner = outer;
        }

        return false;
    }

    private static SyntaxNode? TaskOf(IOperation operation) => operation switch
    {
        IPropertyReferenceOperation { Property.Name: "Result", Instance: { } task } => task.Syntax,
        IInvocationOperation
        {
            TargetMethod.Name: "GetResult", Instance: IInvocationOperation { Instance: { } task },
        } => task.Syntax,
        _ => null,
    };

    private static bool Says(IOperation condition, SyntaxNode task) => condition switch
    {
        IPropertyReferenceOperation { Instance: { } asked } question =>
            s_questions.Contains(question.Property.Name) && SyntaxFactory.AreEquivalent(asked.Syntax, task),
        IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd } both =>
            Says(both.LeftOperand, task) || Says(both.RightOperand, task),
        IParenthesizedOperation inner => Says(inner.Operand, task),
        IUnaryOperation { OperatorKind: UnaryOperatorKind.Not } not => Denies(not.Operand, task),
        _ => false,
    };

    private static bool Denies(IOperation condition, SyntaxNode task) => condition switch
    {
        IUnaryOperation { OperatorKind: UnaryOperatorKind.Not } not => Says(not.Operand, task),
        IParenthesizedOperation inner => Denies(inner.Operand, task),
        IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalOr } either =>
            Denies(either.LeftOperand, task) || Denies(either.RightOperand, task),
        _ => false,
    };

    private static bool IsExitUnless(IOperation statement, SyntaxNode task) =>
        statement is IConditionalOperation { WhenFalse: null } conditional
        && Denies(conditional.Condition, task)
        && (conditional.WhenTrue is IBlockOperation block ? block.Operations.LastOrDefault() : conditional.WhenTrue)
            is IReturnOperation or IBranchOperation
            or IThrowOperation or IExpressionStatementOperation { Operation: IThrowOperation };
}
