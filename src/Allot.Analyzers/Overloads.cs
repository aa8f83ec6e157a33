using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers;

/// <summary>What a call would be without one of its arguments.</summary>
internal static class Overloads
{
    /// <summary>The method that the call would then be one of; nothing when it would not compile.</summary>
    internal static ISymbol? WithoutArgument(
        InvocationExpressionSyntax call, ArgumentSyntax argument, SemanticModel model)
    {
        if (argument.Parent != call.ArgumentList) return null;

        InvocationExpressionSyntax without = call.WithArgumentList(
            call.ArgumentList.WithArguments(call.ArgumentList.Arguments.Remove(argument)));
        if (call.Expression is MemberBindingExpressionSyntax { Name: var name })
        {
            // `x?.M()` binds as `x.M()`: half of an expression cannot be bound alone.
            if (call.FirstAncestorOrSelf<ConditionalAccessExpressionSyntax>() is not { } access) return null;
            without = without.WithExpression(SyntaxFactory.MemberAccessExpression(
                SyntaxKind.SimpleMemberAccessExpression, access.Expression.WithoutTrivia(), name));
        }

        return model.GetSpeculativeSymbolInfo(
            call.SpanStart, without, SpeculativeBindingOption.BindAsExpression).Symbol;
    }
}
