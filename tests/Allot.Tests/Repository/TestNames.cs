using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>The tests that there are, by name: what a document that lists tests is compared with.</summary>
internal static partial class TestNames
{
    /// <summary>Every test of a folder as <c>Class.Method</c>.</summary>
    /// <param name="folder">Below the root of the repository, with a slash at its end.</param>
    public static IReadOnlySet<string> In(string folder) => RepositoryFiles.With(".cs")
        .Where(path => path.StartsWith(folder, StringComparison.Ordinal))
        .SelectMany(path => In(Path.GetFileNameWithoutExtension(path), RepositoryFiles.Read(path)))
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The same of the text of one file, which has the name of its class.</summary>
    internal static IEnumerable<string> In(string className, string text) =>
        Test().Matches(text).Select(match => $"{className}.{match.Groups["name"].Value}");

    // An attribute that makes it a test, alone or in a list, then anything but the end of a member, then the method.
    [GeneratedRegex(@"\[(?:Fact|Theory)\b[^;{}]*?\bpublic (?:async Task|void) (?<name>\w+)\(")]
    private static partial Regex Test();
}
