using System.Text;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Vm;

// Builds the machine's first and only file system: busybox, the published command with the shared libraries it names,
// the statically linked test programs, init, and the scenarios.
internal static class VmImage
{
    public static void Write(string path, string commandPath, string busyboxPath, IEnumerable<VmScenario> scenarios)
    {
        using CpioWriter archive = new(File.Create(path));
        foreach (string directory in new[] { "proc", "sys", "dev", "tmp" }) archive.AddDirectory(directory);
        archive.AddFile("init", File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Vm", "init")));
        archive.AddFile("bin/busybox", busyboxPath);
        archive.AddFile("bin/sh", busyboxPath);
        archive.AddFile("bin/allot", commandPath);
        foreach (string library in Libraries(commandPath)) archive.AddFile(library.TrimStart('/'), library);
        foreach (string source in Directory.GetFiles(Toolbox.ProgramsDirectory, "*.c"))
        {
            string name = Path.GetFileNameWithoutExtension(source);
            archive.AddFile("bin/" + name, Toolbox.Compile(name, linkStatically: true));
        }

        int number = 0;
        foreach (VmScenario scenario in scenarios)
        {
            string script = $"# name {scenario.Name}\n# limit {scenario.LimitSeconds}\n{scenario.Script}\n";
            archive.AddFile($"scenarios/{number++:d3}", Encoding.UTF8.GetBytes(script));
        }
    }

    /// <summary>
    /// Publishes the command as one self-contained file, from the sources of this test run, and returns its path.
    /// Everything it writes goes under <paramref name="directory"/>.
    /// </summary>
    public static string PublishCommand(string directory)
    {
        string project = Path.Combine(RepositoryRoot(), "src", "Allot.Cli", "Allot.Cli.csproj");
        string output = Path.Combine(directory, "publish");
        RunResult result = ProcessRunner.Run("dotnet", ["publish", project, "-c", "Release", "-r", "linux-x64",
            "--self-contained", "-p:PublishSingleFile=true", "--artifacts-path", Path.Combine(directory, "artifacts"),
            "-o", output, "--disable-build-servers", "-nodeReuse:false", "-v:quiet"],
            new RunOptions { TimeLimit = TimeSpan.FromMinutes(3) });
        Assert.True(result.ExitCode == 0, $"dotnet publish of the command failed: {result}");
        return Path.Combine(output, "allot");
    }

    private static string RepositoryRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Allot.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("The tests do not run from within the repository.");
    }

    // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x...)"
    private static IEnumerable<string> Libraries(string program)
    {
        RunResult result = ProcessRunner.Run("ldd", [program]);
        Assert.True(result.ExitCode == 0, $"ldd failed: {result}");
        return result.Lines.SelectMany(line => line.Split(' ', '\t')).Where(word => word.StartsWith('/'));
    }
}
