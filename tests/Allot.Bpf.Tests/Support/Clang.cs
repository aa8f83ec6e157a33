using System.Collections.Concurrent;
using System.Diagnostics;

namespace Allot.Bpf.Tests.Support;

/// <summary>Compiles the C programs of the tests for BPF.</summary>
internal static class Clang
{
    private static readonly string[] s_names = ["clang-16", "clang"];

    private static readonly ConcurrentDictionary<(string, string), Lazy<byte[]>> s_objects = [];

    private static readonly Lazy<string?> s_path = new(static () =>
        (from name in s_names
         from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
         let path = Path.Combine(folder, name)
         where File.Exists(path)
         select path).FirstOrDefault());

    /// <summary>The object of one of the programs; skips the test where there is no clang.</summary>
    public static byte[] Compile(string name, string cpu = "v3")
    {
        Assert.SkipWhen(s_path.Value is null, "needs clang-16 in PATH");
        return s_objects.GetOrAdd((name, cpu), static key => new Lazy<byte[]>(() => Run(key.Item1, key.Item2))).Value;
    }

    /// <summary>All programs, for two generations of the instruction set; none where there is no clang.</summary>
    public static IReadOnlyList<byte[]> CompileAll()
    {
        if (s_path.Value is null) return [];
        string[] sources = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Objects"), "*.c");
        return
        [
            .. from name in sources.Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal)
               from cpu in (string[])["v1", "v3"]
               select Compile(name, cpu),
        ];
    }

    private static byte[] Run(string name, string cpu)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Objects", $"{name}.c");
        string output = Path.Combine(Path.GetTempPath(), $"allot-bpf-{Environment.ProcessId}-{name}-{cpu}.o");
        try
        {
            string[] arguments = ["-O2", "-g", "-target", "bpf", $"-mcpu={cpu}", "-c", source, "-o", output];
            var start = new ProcessStartInfo(s_path.Value!, arguments) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
            return File.ReadAllBytes(output);
        }
        finally
        {
            File.Delete(output);
        }
    }
}
