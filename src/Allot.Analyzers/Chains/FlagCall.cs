using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers.Chains;

/// <summary>One call of a method with flags.</summary>
internal sealed class FlagCall(IInvocationOperation operation, SemanticModel model, string place)
{
    internal IInvocationOperation Operation { get; } = operation;

    internal InvocationExpressionSyntax Syntax { get; } = (InvocationExpressionSyntax)operation.Syntax;

    internal SemanticModel Model { get; } = model;

    /// <summary>The member that the call is in, for messages.</summary>
    internal string Place { get; } = place;

    /// <summary>The argument with the flags; nothing when it is left out.</summary>
    internal ArgumentSyntax? Argument { get; set; }

    /// <summary>The flags, when they are constant.</summary>
    internal ulong? Flags { get; set; }

    /// <summary>The method that passes its own flags on; nothing when the flags are constant.</summary>
    internal FlagMethod? Caller { get; set; }

    /// <summary>The scope to enter instead of passing the flags: <c>AllocationScope.NoFs</c>. Nothing when the flags
    /// say no more than what holds here already.</summary>
    internal string? Scope { get; set; }

    /// <summary>What the scope goes around: a statement, or the expression that is the body of a method or lambda.
    /// </summary>
    internal SyntaxNode? Wrapped { get; set; }
}
