using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers;

/// <summary>Takes flags out of a call.</summary>
internal static class Arguments
{
    /// <summary>Whether the argument can be left out: what the parameter then is says the same, and no later argument
    /// goes by its position.</summary>
    internal static bool CanBeOmitted(ArgumentSyntax argument, IParameterSymbol parameter, ulong flags, AllotApi api)
    {
        if (!parameter.IsOptional || !parameter.HasExplicitDefaultValue) return false;
        if (api.DefaultOf(parameter) != flags || argument.Parent is not ArgumentListSyntax list) return false;
        return list.Arguments.Skip(list.Arguments.IndexOf(argument) + 1).All(later => later.NameColon is not null);
    }

    internal static ArgumentListSyntax Without(this ArgumentListSyntax list, int index) =>
        list.WithArguments(list.Arguments.RemoveAt(index));

    internal static ArgumentListSyntax With(this ArgumentListSyntax list, int index, ExpressionSyntax expression)
    {
        ArgumentSyntax argument = list.Arguments[index];
        return list.WithArguments(list.Arguments.Replace(
            argument, argument.WithExpression(expression.WithTriviaFrom(argument.Expression))));
    }
}
