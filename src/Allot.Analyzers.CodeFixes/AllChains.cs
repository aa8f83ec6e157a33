using Allot.Analyzers.Chains;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace Allot.Analyzers;

/// <summary>Converts every chain of a document, a project or a solution in one step: chains that meet would otherwise
/// change the same calls twice.</summary>
internal sealed class AllChains : FixAllProvider
{
    private const string Title = "Replace flags that are handed through by scopes";

    internal static AllChains Instance { get; } = new();

    /// <inheritdoc/>
    public override IEnumerable<FixAllScope> GetSupportedFixAllScopes() =>
        [FixAllScope.Document, FixAllScope.Project, FixAllScope.Solution];

    /// <inheritdoc/>
    public override Task<CodeAction?> GetFixAsync(FixAllContext fixAllContext) => Task.FromResult<CodeAction?>(
        CodeAction.Create(Title, token => FixAsync(fixAllContext, token), HandedThroughFlagsFix.Chain));

    private static async Task<Solution> FixAsync(FixAllContext context, CancellationToken cancellationToken)
    {
        Solution solution = context.Solution;
        IEnumerable<ProjectId> projects =
            context.Scope == FixAllScope.Solution ? solution.ProjectIds : [context.Project.Id];
        foreach (ProjectId id in projects)
        {
            if (solution.GetProject(id) is not { Language: LanguageNames.CSharp } project
                || await HandedThroughFlagsFix.MethodsOfAsync(project, cancellationToken).ConfigureAwait(false)
                    is not { } methods)
            {
                continue;
            }

            FlagMethod[] converted =
            [
                .. methods.All.Where(FlagMethods.IsConvertible)
                    .Where(method => context.Scope != FixAllScope.Document || methods.ChainOf(method).Any(member =>
                        solution.GetDocument(member.Declaration.SyntaxTree)?.Id == context.Document?.Id)),
            ];
            solution = await ChainConversion.ApplyAsync(solution, converted, methods.Api, cancellationToken)
                .ConfigureAwait(false);
        }

        return solution;
    }
}
