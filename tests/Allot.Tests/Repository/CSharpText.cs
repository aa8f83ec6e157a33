using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>Reads C# as text, well enough to look for names.</summary>
internal static partial class CSharpText
{
    private const string TypeKeyword =
        @"(?:class|struct|interface|enum|record(?:\s+struct|\s+class)?|delegate\s+[\w<>?,\[\]]+)";

    /// <summary>Takes comments and the contents of strings out; lines stay where they are.</summary>
    public static string CodeOnly(string source) => CommentOrString().Replace(source, match =>
    {
        string text = match.Value;
        string lines = new('\n', text.Count(c => c == '\n'));
        return text.StartsWith("//", StringComparison.Ordinal) || text.StartsWith("/*", StringComparison.Ordinal)
            ? lines
            : KeepHoles(text) + lines;
    });

    /// <summary>The names of the types that a source declares at the top: nested ones are used through these.</summary>
    public static IEnumerable<string> DeclaredTypes(string source) =>
        Declaration().Matches(CodeOnly(source)).Select(match => match.Groups["name"].Value);

    /// <summary>The names of the public types it declares at the top.</summary>
    public static IEnumerable<string> PublicTypes(string source) =>
        PublicDeclaration().Matches(CodeOnly(source)).Select(match => match.Groups["name"].Value);

    public static HashSet<string> Identifiers(string source) =>
        [.. Identifier().Matches(CodeOnly(source)).Select(match => match.Value)];

    // What stands in the braces of an interpolated string is code.
    private static string KeepHoles(string text) => text.StartsWith('$')
        ? $"\"{string.Join(' ', Hole().Matches(text).Select(match => match.Value))}\""
        : "\"\"";

    [GeneratedRegex("""//[^\n]*|/\*[\s\S]*?\*/|\$?"{3}[\s\S]*?"{3}|\$?@?"(?:\\.|[^"\\\n])*"|'(?:\\.[^']*|[^'\\])'""")]
    private static partial Regex CommentOrString();

    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex Hole();

    [GeneratedRegex(@"^(?:[a-z]+\s+)*?" + TypeKeyword + @"\s+(?<name>[A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^public\s+(?:[a-z]+\s+)*?" + TypeKeyword + @"\s+(?<name>[A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex PublicDeclaration();

    [GeneratedRegex(@"[A-Za-z_]\w*")]
    private static partial Regex Identifier();
}
