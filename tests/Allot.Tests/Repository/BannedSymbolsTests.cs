namespace Allot.Tests.Repository;

/// <summary>What may not be called in src/: eng/BannedSymbols.txt, one symbol a line with its replacement and the files
/// that are allowed to. What cannot be called cannot be forgotten in the accounts.</summary>
public sealed class BannedSymbolsTests
{
    [Fact]
    public void No_source_calls_what_is_banned()
    {
        IEnumerable<string> found =
            from path in RepositoryFiles.With(".cs")
            where path.StartsWith("src/", StringComparison.Ordinal)
            from violation in Violations(path, RepositoryFiles.Read(path), BannedList.Symbols)
            select violation;
        Assert.Empty(found);
    }

    [Fact]
    public void Every_ban_names_a_replacement_and_files_that_exist()
    {
        Assert.NotEmpty(BannedList.Symbols);
        Assert.NotEmpty(BannedList.Natives);
        Assert.All(BannedList.Symbols.Concat(BannedList.Natives), ban =>
        {
            Assert.NotEmpty(ban.Symbol);
            Assert.NotEmpty(ban.Replacement);
            Assert.All(ban.AllowedFiles, file => Assert.True(RepositoryFiles.Exists(file), $"{file} is not there."));
        });
    }

    [Theory]
    [InlineData("Thread.Sleep")]
    [InlineData("DateTime.Now")]
    [InlineData("new Random(")]
    [InlineData("GC.Collect")]
    [InlineData("NativeMemory.")]
    [InlineData("Marshal.AllocHGlobal")]
    [InlineData("GCHandle.Alloc")]
    [InlineData("GCHandleType.Pinned")]
    [InlineData("PinnedGCHandle<")]
    [InlineData("GC.AllocateArray")]
    [InlineData("GC.AllocateUninitializedArray")]
    [InlineData("MemoryHandle(")]
    public void The_list_holds_what_the_accounts_and_the_tests_depend_on(string symbol) =>
        Assert.Contains(BannedList.Symbols, ban => ban.Symbol == symbol);

    [Fact]
    public void A_call_is_found_and_a_comment_or_an_allowed_file_is_not()
    {
        BannedSymbol[] bans = [new("Thread.Sleep", "a timer", ["src/A.cs"])];
        const string Call = "Thread.Sleep(1);";
        Assert.Equal(["src/B.cs: Thread.Sleep is banned; use a timer"], Violations("src/B.cs", Call, bans));
        Assert.Empty(Violations("src/A.cs", Call, bans));
        Assert.Empty(Violations("src/B.cs", "// Thread.Sleep\nstring s = \"Thread.Sleep\";", bans));
        Assert.Empty(Violations("src/B.cs", "MyThread.Sleeper(1);", bans));
    }

    private static IEnumerable<string> Violations(string path, string source, IEnumerable<BannedSymbol> bans)
    {
        string code = CSharpText.CodeOnly(source);
        return from ban in bans
               where !ban.AllowedFiles.Contains(path) && IsCalled(code, ban.Symbol)
               select $"{path}: {ban.Symbol} is banned; use {ban.Replacement}";
    }

    // The symbol as a whole: not as the end or the beginning of a longer name.
    private static bool IsCalled(string code, string symbol)
    {
        for (int at = code.IndexOf(symbol, StringComparison.Ordinal); at >= 0;
            at = code.IndexOf(symbol, at + 1, StringComparison.Ordinal))
        {
            int end = at + symbol.Length;
            bool startsInside = at > 0 && IsPartOfName(code[at - 1]);
            bool goesOn = IsPartOfName(symbol[^1]) && end < code.Length && IsPartOfName(code[end]);
            if (!startsInside && !goesOn) return true;
        }

        return false;
    }

    private static bool IsPartOfName(char character) => char.IsLetterOrDigit(character) || character == '_';
}
