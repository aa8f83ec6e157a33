namespace Allot.Benchmarks.Runner;

/// <summary>The working copy that the benchmarks were started in.</summary>
internal static class Repository
{
    /// <exception cref="BenchmarkException">There is none above the working directory.</exception>
    public static string Root()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Allot.slnx"))) return folder.FullName;
        }

        throw new BenchmarkException("This works inside the repository: Allot.slnx was not found above here.");
    }

    /// <summary>Where the page of a benchmark is committed.</summary>
    public static string ResultPath(string name) =>
        Path.Combine(Directory.CreateDirectory(Path.Combine(Root(), "bench", "results")).FullName, name + ".md");
}
