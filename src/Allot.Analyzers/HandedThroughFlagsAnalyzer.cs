using System.Collections.Immutable;
using Allot.Analyzers.Chains;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Allot.Analyzers;

/// <summary>ALLOT002: a parameter of flags that a method has only to pass it on.</summary>
/// <remarks>A warning where the fix can change it; otherwise a suggestion, which says what stands in the way.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class HandedThroughFlagsAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        ImmutableArray.Create(Rules.HandedThroughFlags);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (AllotApi.Find(start.Compilation) is not { } api) return;

            // Read when the first method with flags is met: a project without any pays nothing.
            Compilation compilation = start.Compilation;
            CancellationToken cancellationToken = start.CancellationToken;
            var methods = new Lazy<FlagMethods>(() =>
                FlagMethods.Of(compilation, api, cancellationToken));
            start.RegisterSymbolAction(method => Analyze(method, api, methods), SymbolKind.Method);
        });
    }

    private static void Analyze(SymbolAnalysisContext context, AllotApi api, Lazy<FlagMethods> methods)
    {
        var symbol = (IMethodSymbol)context.Symbol;
        if (!symbol.Parameters.Any(parameter => api.IsFlags(parameter.Type))) return;
        if (methods.Value.Find(symbol) is not { OnlyHandsThrough: true } method) return;

        context.ReportDiagnostic(Diagnostic.Create(
            Rules.HandedThroughFlags,
            method.Parameter.Locations[0],
            method.Obstacle is null ? DiagnosticSeverity.Warning : DiagnosticSeverity.Info,
            additionalLocations: null,
            properties: null,
            symbol.Name,
            method.Parameter.Name,
            method.Obstacle is { } obstacle ? $" (no fix: {obstacle})" : ""));
    }
}
