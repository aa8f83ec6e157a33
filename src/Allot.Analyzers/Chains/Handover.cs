using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers.Chains;

/// <summary>A call to which a method passes the flags that it was given, with attributes added or without.</summary>
internal sealed class Handover(ArgumentSyntax argument, IMethodSymbol target, IParameterSymbol parameter, ulong added)
{
    internal ArgumentSyntax Argument { get; } = argument;

    /// <summary>The definition of the called method.</summary>
    internal IMethodSymbol Target { get; } = target;

    internal IParameterSymbol Parameter { get; } = parameter;

    internal ulong AddedAttributes { get; } = added;
}
