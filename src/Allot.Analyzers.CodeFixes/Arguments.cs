using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers;

/// <summary>Takes flags out of a call.</summary>
internal static class Arguments
{
    /// <summary>Whether the argument can be left out and the call still says the same: by the default of the parameter,
    /// or by an overload of Allot without flags, which stands for <c>Kernel</c>, and in <c>AmbientCharging</c> for
    /// <c>KernelAccount</c>.</summary>
    internal static bool CanBeOmitted(
        ArgumentSyntax argument, IParameterSymbol parameter, ulong flags, AllotApi api, SemanticModel model)
    {
        if (argument.Parent?.Parent is not InvocationExpressionSyntax call
            || Overloads.WithoutArgument(call, argument, model) is not IMethodSymbol meant)
        {
            return false;
        }

        IParameterSymbol? kept = meant.Parameters.FirstOrDefault(other => api.TakesFlags(other));
        return kept is not null
            ? kept.Name == parameter.Name && api.DefaultOf(kept) == flags
            : flags == SaidWithout(meant, api) && api.IsAllot(meant) && meant.Name == parameter.ContainingSymbol.Name;
    }

    private static ulong SaidWithout(IMethodSymbol method, AllotApi api) =>
        method.ContainingType.Name == "AmbientCharging" ? api.Bits("KernelAccount") : api.Kernel;

    internal static ArgumentListSyntax Without(this ArgumentListSyntax list, int index) =>
        list.WithArguments(list.Arguments.RemoveAt(index));

    internal static ArgumentListSyntax With(this ArgumentListSyntax list, int index, ExpressionSyntax expression)
    {
        ArgumentSyntax argument = list.Arguments[index];
        return list.WithArguments(list.Arguments.Replace(
            argument, argument.WithExpression(expression.WithTriviaFrom(argument.Expression))));
    }
}
