using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Allot.Analyzers.Chains;

/// <summary>A method of the project with one flags parameter: what it does with the flags and who calls it.</summary>
internal sealed class FlagMethod(
    IMethodSymbol symbol, IParameterSymbol parameter, MethodDeclarationSyntax declaration, SemanticModel model)
{
    internal IMethodSymbol Symbol { get; } = symbol;

    internal IParameterSymbol Parameter { get; } = parameter;

    internal MethodDeclarationSyntax Declaration { get; } = declaration;

    internal SemanticModel Model { get; } = model;

    /// <summary>Where the flags are passed on.</summary>
    internal List<Handover> Handovers { get; } = [];

    internal List<FlagCall> Calls { get; } = [];

    /// <summary>Something else is done with the flags than to pass them on or to apply the context to them.</summary>
    internal bool IsInspected { get; set; }

    /// <summary>The flags meet the context here, by <c>AllocationContext</c>: the method allocates.</summary>
    internal bool IsApplied { get; set; }

    /// <summary>Why the scopes around a call are not certain to hold for all of the body; nothing when they are.
    /// </summary>
    internal string? Doubt { get; set; }

    /// <summary>The work goes on after the call has returned, or on another thread: only a flowing scope follows it.
    /// </summary>
    internal bool NeedsFlow { get; set; }

    /// <summary>Why the parameter cannot be replaced by a scope in the callers without a change of what the program
    /// does; nothing when it can.</summary>
    internal string? Obstacle { get; set; }

    internal bool OnlyHandsThrough => Handovers.Count > 0 && !IsInspected && !IsApplied;

    internal void Hinder(string? obstacle) => Obstacle ??= obstacle;
}
