using System.Diagnostics;
using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Programs;

/// <summary>Where code cannot be made at run time: in a process of its own, whose runtime is told that it cannot.</summary>
public sealed class FallbackTests
{
    private const string Switch = "System.Runtime.CompilerServices.RuntimeFeature.IsDynamicCodeSupported";
    private const string Inner = nameof(Programs_are_interpreted_and_the_compiler_says_why_it_cannot);

    private const string Marker = "ALLOT_TEST_WITHOUT_DYNAMIC_CODE";

    private static readonly byte[] s_program = new Asm().Move(0, 6).Number(BpfOp.Mul64, 0, 7).Exit().Bytes();

    [Fact]
    public async Task Without_dynamic_code_programs_are_interpreted()
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "Allot.Bpf.Tests.dll");
        string settings = Path.ChangeExtension(assembly, ".runtimeconfig.json");
        string changed = Path.Combine(Path.GetTempPath(), $"allot-bpf-{Environment.ProcessId}.runtimeconfig.json");
        string text = await File.ReadAllTextAsync(settings, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            changed,
            text.Replace("\"configProperties\": {", $"\"configProperties\": {{ \"{Switch}\": false,", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        try
        {
            var start = new ProcessStartInfo(
                Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                ["exec", "--runtimeconfig", changed, assembly, "--filter-method", $"*.{Inner}"])
            {
                RedirectStandardOutput = true,
                Environment = { [Marker] = "1" },
            };
            using Process process = Process.Start(start)!;
            string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0 && output.Contains("succeeded: 1", StringComparison.Ordinal), output);
        }
        finally
        {
            File.Delete(changed);
        }
    }

    /// <summary>In the process of the other test; in all others there is nothing to see.</summary>
    [Fact]
    public void Programs_are_interpreted_and_the_compiler_says_why_it_cannot()
    {
        bool isInner = Environment.GetEnvironmentVariable(Marker) is not null;
        Assert.Equal(!isInner, BpfCompiler.IsSupported);
        if (!isInner) return;
        MemoryGroup group = new MemoryController().Root;
        using BpfProgram program = BpfProgram.Load(group, s_program);
        Assert.False(program.IsCompiled);
        Assert.Equal(42ul, program.Run([]));
        Assert.Throws<PlatformNotSupportedException>(() =>
            BpfProgram.Load(group, s_program, new BpfProgramOptions { Engine = BpfEngine.Compiler }));
        program.Dispose();
        Assert.Equal(0, group.Memory.CurrentBytes);
    }
}
