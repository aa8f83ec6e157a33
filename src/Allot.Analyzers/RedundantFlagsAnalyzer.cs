using System.Collections.Immutable;
using System.Globalization;
using Allot.Analyzers.Chains;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Allot.Analyzers;

/// <summary>ALLOT001: an argument takes permissions away that the scope around the call has already taken.</summary>
/// <remarks>A scope removes its bits R from every request. A request v inside it that lacks some of them means the same
/// as v with all of them: (v | R) &amp; ~R = v &amp; ~R. The flags are redundant when that makes them <c>Kernel</c>
/// plus attributes of the memory, which is what a call says that knows nothing of its context. That holds for Allot,
/// and for methods of the project whose flags get there and nowhere else: others may look at them themselves.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class RedundantFlagsAnalyzer : DiagnosticAnalyzer
{
    /// <summary>The property of the diagnostic that holds the flags to pass instead, as a number.</summary>
    internal const string Replacement = "Replacement";

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        ImmutableArray.Create(Rules.RedundantFlags);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (AllotApi.Find(start.Compilation) is not { } api) return;

            // Read when flags are met that a method of the project takes.
            Compilation compilation = start.Compilation;
            CancellationToken cancellationToken = start.CancellationToken;
            var methods = new Lazy<FlagMethods>(() =>
                FlagMethods.Of(compilation, api, cancellationToken));
            start.RegisterOperationAction(argument => Analyze(argument, api, methods), OperationKind.Argument);
        });
    }

    private static void Analyze(OperationAnalysisContext context, AllotApi api, Lazy<FlagMethods> methods)
    {
        var argument = (IArgumentOperation)context.Operation;
        if (argument.ArgumentKind != ArgumentKind.Explicit || !api.TakesFlags(argument.Parameter)) return;
        if (!api.TryGetConstant(argument.Value, out ulong flags)) return;

        // A call that says that it cannot wait says something: inside an atomic scope the checks of Allot report the
        // others.
        ulong missing = api.Kernel & ~flags;
        if (missing == 0 || (missing & api.DirectReclaim) != 0) return;
        if ((flags & ~(api.Kernel | api.Attributes | api.Effort)) != 0) return;

        EnteredScope[] around = [.. ScopeRegions.AlwaysAround(argument, api)];
        if (around.Length == 0 || argument.Parameter!.ContainingSymbol is not IMethodSymbol target) return;
        if (!methods.Value.GoesByContext(target, out bool needsFlow)) return;

        ulong removed = 0;
        var scopes = new List<string>();
        foreach (EnteredScope scope in around)
        {
            if (needsFlow && !scope.Flows) continue;
            if ((scope.RemovedBits & missing & ~removed) == 0) continue;
            removed |= scope.RemovedBits;
            scopes.Add($"'{scope.Name}'");
        }

        if ((missing & ~removed) != 0) return;

        string full = (flags | api.Kernel).ToString(CultureInfo.InvariantCulture);
        context.ReportDiagnostic(Diagnostic.Create(
            Rules.RedundantFlags,
            argument.Value.Syntax.GetLocation(),
            ImmutableDictionary<string, string?>.Empty.Add(Replacement, full),
            string.Join(" and ", scopes)));
    }
}
