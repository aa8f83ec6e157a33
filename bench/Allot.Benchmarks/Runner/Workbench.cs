// Where the programs of a benchmark are compiled, started and timed. Times come from the programs themselves, so the
// cost of starting them from here is in none. What is measured inside this process runs on the threads of the bench.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Runner;

/// <summary>A scratch directory with compiled programs, and ways to run them.</summary>
internal sealed class Workbench(string allotPath, bool isSmoke) : IDisposable
{
    private static readonly TimeSpan s_timeLimit = TimeSpan.FromMinutes(5);

    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("allot-bench-");

    private PinnedThreads? _threads;
    private string? _publishedAllotPath;

    /// <summary>The command as it was built: compiled while it runs.</summary>
    public string AllotPath => allotPath;

    /// <summary>The command as one self-contained file, compiled ahead of time. A smoke run takes the built one, because a
    /// publish downloads a runtime.</summary>
    public string PublishedAllotPath => isSmoke ? allotPath : _publishedAllotPath ??= Publish("published");

    public bool IsSmoke => isSmoke;

    public string ScratchPath => _scratch.FullName;

    /// <summary>The size of a measurement: the second for a smoke run.</summary>
    public int Size(int real, int smoke) => isSmoke ? smoke : real;

    /// <summary>Runs the variants in turns.</summary>
    public IReadOnlyList<Series> Compare(int rounds, params Variant[] variants) =>
        Rounds.Run(isSmoke ? 1 : rounds, warmUps: isSmoke ? 0 : 1, variants);

    /// <summary>The threads that measure inside this process: two, or one where there is only one processor.</summary>
    public PinnedThreads Threads => _threads ??= new PinnedThreads(2);

    /// <summary>Measures inside this process.</summary>
    public InProcess InProcess => new(Threads, isSmoke);

    /// <summary>Compiles a program of ours, and returns its path.</summary>
    /// <param name="source">The source, relative to this assembly: <c>Programs/repeat.c</c>.</param>
    public string Compile(string source)
    {
        string output = Path.Combine(ScratchPath, Path.GetFileNameWithoutExtension(source));
        if (!File.Exists(output))
        {
            string path = Path.Combine(AppContext.BaseDirectory, source);
            _ = Run("gcc", ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-pthread", "-o", output, path]);
        }

        return output;
    }

    /// <summary>Compiles a shared library of ours, and returns its path.</summary>
    /// <param name="source">The source, relative to this assembly.</param>
    /// <param name="name">The name of the library: one source can make several.</param>
    /// <param name="options">What differs between them.</param>
    public string CompileLibrary(string source, string name, params string[] options)
    {
        string output = Path.Combine(ScratchPath, name + ".so"), path = Path.Combine(AppContext.BaseDirectory, source);
        _ = Run("gcc", ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", .. options, "-o", output, path]);
        return output;
    }

    /// <summary>Runs a program and reads the numbers it prints.</summary>
    public Sample Measure(IReadOnlyList<string> command) => Sample.Parse(Run(command[0], command.Skip(1)));

    /// <summary>A command line that runs another in a group.</summary>
    public IReadOnlyList<string> InGroup(IEnumerable<string> options, IEnumerable<string> command) =>
        InGroup(allotPath, options, command);

    /// <summary>A command line that runs another in a group of this build.</summary>
    public static IReadOnlyList<string> InGroup(
        string allotPath, IEnumerable<string> options, IEnumerable<string> command) =>
        [allotPath, "run", "--report", "none", .. options, "--", .. command];

    /// <summary>Runs a program that has to succeed, and returns what it wrote.</summary>
    public string Run(string file, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            WorkingDirectory = ScratchPath,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = ScratchPath;   // no settings of the user
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_timeLimit))
        {
            process.Kill(entireProcessTree: true);
            throw new BenchmarkException($"'{file} {string.Join(' ', start.ArgumentList)}' does not end.");
        }

        if (process.ExitCode == 0) return output.Result;
        throw new BenchmarkException(
            $"'{file} {string.Join(' ', start.ArgumentList)}' ended with {process.ExitCode}:\n{output.Result}{error.Result}");
    }

    /// <summary>Publishes the command as one self-contained file, and returns its path.</summary>
    public string Publish(string folderName, params string[] properties)
    {
        string folder = Path.Combine(ScratchPath, folderName);
        _ = Run("dotnet", ["publish", Path.Combine(Repository.Root(), "src", "Allot.Cli"), "-c", "Release",
            "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "-p:PublishSingleFile=true", .. properties,
            "-o", folder]);
        return Path.Combine(folder, "allot");
    }

    public void Dispose()
    {
        _threads?.Dispose();
        _scratch.Delete(recursive: true);
    }
}
