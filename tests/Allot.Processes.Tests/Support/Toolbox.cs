using System.Collections.Concurrent;

namespace Allot.Processes.Tests.Support;

// Finds programs in PATH and compiles the C sources under Programs/, each once per test run, into a directory of this
// run that is removed when the process ends. A source that does not compile fails the test with the compiler's words.
internal static class Toolbox
{
    private static readonly ConcurrentDictionary<(string Name, bool LinkStatically), Lazy<string>> s_compiled = new();
    private static readonly Lazy<string> s_directory = new(MakeDirectory);

    /// <summary>Where the sources lie, beside the test assembly.</summary>
    public static string ProgramsDirectory => Path.Combine(AppContext.BaseDirectory, "Programs");

    /// <summary>A script or source under Programs/, for example <c>mkdir_loop.py</c>.</summary>
    public static string Source(string fileName) => Path.Combine(ProgramsDirectory, fileName);

    /// <summary>The full path of a program in PATH (or in the directories of an administrator), null without
    /// it.</summary>
    public static string? Find(string name)
    {
        string path = (Environment.GetEnvironmentVariable("PATH") ?? "") + ":/usr/sbin:/sbin";
        return path.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Compiles <c>Programs/NAME.c</c>, once, and returns the path of the program.</summary>
    public static string Compile(string name, bool linkStatically = false) =>
        s_compiled.GetOrAdd((name, linkStatically), static key => new Lazy<string>(() => CompileNow(key))).Value;

    private static string CompileNow((string Name, bool LinkStatically) key)
    {
        string output = Path.Combine(s_directory.Value, key.LinkStatically ? key.Name + ".static" : key.Name);
        List<string> arguments = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-pthread", "-o", output, Source(key.Name + ".c")];
        if (key.LinkStatically) arguments.Add("-static");
        RunResult result = ProcessRunner.Run("gcc", arguments);
        Assert.True(result.ExitCode == 0, $"gcc does not compile {key.Name}.c:\n{result.Error}");
        return output;
    }

    private static string MakeDirectory()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("allot-test-programs-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
        return directory.FullName;
    }
}
