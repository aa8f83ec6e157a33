using System.Runtime.InteropServices;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

/// <summary>A .NET program with threads and many collections, compiled by the SDK's own compiler as a program like any
/// other: with no project and no restore.</summary>
internal sealed class DotnetProgram
{
    private const string Source = """
        using System;
        using System.Collections.Generic;
        using System.Threading;

        static class Program
        {
            static int Main(string[] arguments)
            {
                int rounds = int.Parse(arguments[0]);
                long[] sums = new long[4];
                var threads = new List<Thread>();
                for (int t = 0; t < sums.Length; t++)
                {
                    int self = t;
                    var thread = new Thread(() =>
                    {
                        for (int round = 0; round < rounds; round++)
                        {
                            var garbage = new List<byte[]>();
                            for (int i = 0; i < 200; i++) garbage.Add(new byte[1000 + i * 100]);
                            foreach (byte[] piece in garbage) sums[self] += piece.Length;
                            if (round % 10 == self) GC.Collect();
                        }
                    });
                    thread.Start();
                    threads.Add(thread);
                }
                foreach (Thread thread in threads) thread.Join();
                Console.WriteLine(string.Join(" ", sums));
                Console.Error.WriteLine(GC.CollectionCount(2) > 0);
                return 42;
            }
        }
        """;

    private DotnetProgram(string host, string assembly)
    {
        Host = host;
        Assembly = assembly;
    }

    /// <summary>The program dotnet.</summary>
    public string Host { get; }

    public string Assembly { get; }

    public string[] Arguments(string rounds) => ["exec", Assembly, rounds];

    /// <summary>Compiles it; the compiler runs behind the prefix, if there is one.</summary>
    public static DotnetProgram Compile(ScratchDirectory scratch, string name = "program", params string[] prefix)
    {
        string runtime = RuntimeEnvironment.GetRuntimeDirectory().TrimEnd('/');   // ROOT/shared/Microsoft.NETCore.App/10.0.1
        string root = Path.GetFullPath(Path.Combine(runtime, "../../.."));
        string host = Path.Combine(root, "dotnet");
        string? compiler = !Directory.Exists(Path.Combine(root, "sdk")) ? null : Directory.EnumerateDirectories(Path.Combine(root, "sdk"))
            .Select(static sdk => Path.Combine(sdk, "Roslyn/bincore/csc.dll")).Where(File.Exists).Max();
        Assert.SkipUnless(File.Exists(host) && compiler is not null, $"needs the .NET SDK in {root}");

        string directory = scratch.Subdirectory(name);
        string source = Path.Combine(directory, "Program.cs"), assembly = Path.Combine(directory, "program.dll");
        File.WriteAllText(source, Source);
        File.WriteAllText(Path.ChangeExtension(assembly, "runtimeconfig.json"), $$"""
            { "runtimeOptions": { "framework": { "name": "Microsoft.NETCore.App", "version": "{{Path.GetFileName(runtime)}}" } } }
            """);
        string[] command =
        [
            .. prefix, host, "exec", compiler!, "-nologo", "-deterministic", "-nostdlib", $"-pathmap:{directory}=/src",
            .. new[] { "System.Private.CoreLib", "System.Runtime", "System.Console", "System.Collections", "System.Threading", "System.Threading.Thread" }
                .Select(reference => $"-r:{runtime}/{reference}.dll"),
            $"-out:{assembly}", source,
        ];
        RunResult result = ProcessRunner.Run(command[0], command[1..]);
        Assert.True(result.ExitCode == 0, $"{result}");
        return new DotnetProgram(host, assembly);
    }
}
