using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>A program that writes down what each of its allocations was permitted.</summary>
internal static class ProgramUnderTest
{
    /// <summary>A method that only hands its flags through.</summary>
    internal const string Write =
        "internal static int Write(int bytes, AllocationFlags flags) => Allocate(bytes, flags);\n";

    private const string Frame = """
        public static class Program
        {
            internal static readonly List<string> s_log = new();
            public static async Task<string> Run()
            {
                await Task.CompletedTask;
                RUN
                return string.Join("\n", s_log);
            }
            internal static int Allocate(int bytes, AllocationFlags flags)
            {
                lock (s_log) s_log.Add($"{bytes}: {AllocationContext.Apply(flags)}");
                return bytes;
            }
            MEMBERS
        }
        TYPES
        """;

    /// <param name="run">The statements that are run.</param>
    /// <param name="members">Members next to them.</param>
    /// <param name="types">Types next to the program.</param>
    internal static CodeUnderTest Of(string run, string members, string types) => new(
        new HandedThroughFlagsAnalyzer(),
        "using System.Linq;\n" + Frame.Replace("RUN", run, StringComparison.Ordinal)
            .Replace("MEMBERS", members, StringComparison.Ordinal)
            .Replace("TYPES", types, StringComparison.Ordinal));

    internal static async Task<string> RunAsync(CodeUnderTest code)
    {
        Compilation compilation = (await code.Solution.GetProject(code.Project)!.GetCompilationAsync())!;
        using var image = new MemoryStream();
        var result = compilation.Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics));
        image.Position = 0;
        var context = new AssemblyLoadContext(name: null, isCollectible: true);
        try
        {
            MethodInfo run = context.LoadFromStream(image).GetType("Program")!.GetMethod("Run")!;
            return await (Task<string>)run.Invoke(obj: null, parameters: null)!;
        }
        finally
        {
            context.Unload();
        }
    }
}
