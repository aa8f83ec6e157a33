using Microsoft.CodeAnalysis;

namespace Allot.Analyzers;

/// <summary>What is reported: one descriptor per id. The ids are stable; their page is docs/reference/analyzers.md.
/// </summary>
internal static class Rules
{
    internal const string RedundantFlagsId = "ALLOT001";
    internal const string HandedThroughFlagsId = "ALLOT002";
    internal const string LostScopeId = "ALLOT003";
    internal const string MustSucceedInAtomicId = "ALLOT004";
    internal const string BlockingInAtomicId = "ALLOT005";

    internal static readonly DiagnosticDescriptor RedundantFlags = Create(
        RedundantFlagsId,
        "Allot.Style",
        "Flags repeat what the scope already says",
        "The flags repeat what {0} around the call already takes away; say what the memory needs, not the context");

    internal static readonly DiagnosticDescriptor HandedThroughFlags = Create(
        HandedThroughFlagsId,
        "Allot.Design",
        "Flags are only handed through",
        "'{0}' takes '{1}' only to pass it on; a scope in the caller says the same without the parameter{2}");

    internal static readonly DiagnosticDescriptor LostScope = Create(
        LostScopeId,
        "Allot.Reliability",
        "A scope is entered and never left",
        "The scope that '{0}' enters {1}");

    internal static readonly DiagnosticDescriptor MustSucceedInAtomic = Create(
        MustSucceedInAtomicId,
        "Allot.Reliability",
        "Must-succeed where nothing may block",
        "A request that must succeed may have to wait, and {0}");

    internal static readonly DiagnosticDescriptor BlockingInAtomic = Create(
        BlockingInAtomicId,
        "Allot.Reliability",
        "Blocking inside an atomic scope",
        "'{0}' may block, and nothing may block inside {1}; do it before the scope is entered or after it is left");

    private static DiagnosticDescriptor Create(string id, string category, string title, string message) => new(
        id,
        title,
        message,
        category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: HelpLinks.Of(id));
}
