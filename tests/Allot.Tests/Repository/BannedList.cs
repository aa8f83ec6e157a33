namespace Allot.Tests.Repository;

/// <summary>A line of eng/BannedSymbols.txt.</summary>
/// <param name="Symbol">What may not be called.</param>
/// <param name="Replacement">What to use instead.</param>
/// <param name="AllowedFiles">The files that may all the same.</param>
internal sealed record BannedSymbol(string Symbol, string Replacement, string[] AllowedFiles);

/// <summary>What src/ may not call: eng/BannedSymbols.txt.</summary>
internal static class BannedList
{
    private const string NativePrefix = "native:";

    /// <summary>What stands in the code.</summary>
    public static IReadOnlyList<BannedSymbol> Symbols { get; } =
        [.. Lines().Where(line => !line.Symbol.StartsWith(NativePrefix, StringComparison.Ordinal))];

    /// <summary>Functions outside of .NET, by the names under which they are imported.</summary>
    public static IReadOnlyList<BannedSymbol> Natives { get; } =
    [
        .. Lines().Where(line => line.Symbol.StartsWith(NativePrefix, StringComparison.Ordinal))
            .Select(line => line with { Symbol = line.Symbol[NativePrefix.Length..] }),
    ];

    private static IEnumerable<BannedSymbol> Lines() =>
        from line in RepositoryFiles.ReadLines("eng/BannedSymbols.txt")
        where line.Length > 0 && !line.StartsWith('#')
        let parts = line.Split(';', StringSplitOptions.TrimEntries)
        select new BannedSymbol(parts[0], parts[1], parts[2].Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
