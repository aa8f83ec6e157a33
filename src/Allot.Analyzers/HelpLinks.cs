namespace Allot.Analyzers;

/// <summary>Where the page of a rule is: in the package itself, so that it is the page of this version.</summary>
internal static class HelpLinks
{
    internal static string Of(string id) => "docs/reference/analyzers.md#" + id.ToLowerInvariant();
}
