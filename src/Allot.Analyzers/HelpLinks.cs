namespace Allot.Analyzers;

/// <summary>Where the page of a rule is: a path below the root of the package, which holds the page of its version, and
/// of the repository.</summary>
internal static class HelpLinks
{
    internal static string Of(string id) => "docs/reference/analyzers.md#" + id.ToLowerInvariant();
}
