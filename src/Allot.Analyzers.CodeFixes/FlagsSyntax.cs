using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Simplification;

namespace Allot.Analyzers;

/// <summary>Writes flags and scopes as source, with names as short as the file allows.</summary>
internal static class FlagsSyntax
{
    /// <summary><c>AllocationFlags.Kernel | AllocationFlags.Zero</c>; the name of a composite when one says it all.
    /// </summary>
    internal static ExpressionSyntax Of(ulong flags, AllotApi api)
    {
        if (NameOf(flags, api) is { } name) return Member(name);

        ExpressionSyntax? sum = null;
        ulong rest = flags;
        if ((flags & api.Kernel) == api.Kernel)
        {
            sum = Member("Kernel");
            rest &= ~api.Kernel;
        }

        for (int at = 0; at < 64; at++)
        {
            if ((rest & (1UL << at)) == 0 || NameOf(1UL << at, api) is not { } bit) continue;
            sum = sum is null
                ? Member(bit)
                : SyntaxFactory.BinaryExpression(SyntaxKind.BitwiseOrExpression, sum, Member(bit));
        }

        return sum ?? Member("None");
    }

    /// <summary><c>AllocationScope.NoFs()</c>.</summary>
    internal static ExpressionSyntax Enter(string scope)
    {
        string[] parts = scope.Split('.');
        return SyntaxFactory.InvocationExpression(Qualified(parts[0], parts[1]));
    }

    private static string? NameOf(ulong flags, AllotApi api) =>
        api.Flags.GetMembers().OfType<IFieldSymbol>().Select(field => field.Name)
            .FirstOrDefault(name => api.Bits(name) == flags);

    private static MemberAccessExpressionSyntax Member(string name) => Qualified("AllocationFlags", name);

    private static MemberAccessExpressionSyntax Qualified(string type, string member) =>
        SyntaxFactory.MemberAccessExpression(
            SyntaxKind.SimpleMemberAccessExpression,
            SyntaxFactory.ParseExpression("global::Allot." + type).WithAdditionalAnnotations(Simplifier.Annotation),
            SyntaxFactory.IdentifierName(member));
}
