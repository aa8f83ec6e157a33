using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Command;

/// <summary>run, verify and disasm, as a user calls them.</summary>
public sealed class BpfCommandTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"allot-bpf-{Guid.NewGuid():n}.o");

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("")]
    [InlineData("--interpret")]
    public async Task Run_prints_r0_and_the_maps(string option)
    {
        await File.WriteAllBytesAsync(_file, Clang.Compile("globals"), TestContext.Current.CancellationToken);
        string expected = """
            r0 = 1025 (0x401)
            .data (Array, 1 of 1):
              00 00 00 00: 05 00 00 00
            .rodata (Array, 1 of 1):
              00 00 00 00: 0a 00 00 00 14 00 00 00 1e 00 00 00 28 00 00 00
            .bss (Array, 1 of 1):
              00 00 00 00: 01 00 00 00 00 00 00 00

            """;
        string[] options = option.Length == 0 ? [] : [option];
        Assert.Equal((0, expected, ""), await Allot(["bpf", "run", _file, "--dump-maps", .. options]));
    }

    [Fact]
    public async Task Run_prints_values_without_keys_and_those_of_all_processors()
    {
        await File.WriteAllBytesAsync(_file, Clang.Compile("dump"), TestContext.Current.CancellationToken);
        (int exitCode, string output, string error) = await Allot(["bpf", "run", _file, "--dump-maps"]);
        Assert.Equal((0, ""), (exitCode, error));
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            ["waiting (Queue, 3 of 4):", "  01 00 00 00", "  02 00 00 00", "  03 00 00 00"],
            LinesFrom(lines, "waiting", 4));
        Assert.Equal(
            ["undone (Stack, 3 of 4):", "  03 00 00 00", "  02 00 00 00", "  01 00 00 00"],
            LinesFrom(lines, "undone", 4));
        AssertOnOneProcessor(lines, "runs (PerCpuArray, ", elementsBefore: 1, "07");
        AssertOnOneProcessor(lines, "names (PerCpuHash, 1 of 2):", elementsBefore: 0, "09");
    }

    [Fact]
    public async Task Run_finds_the_programs_that_the_object_puts_into_arrays()
    {
        await File.WriteAllBytesAsync(_file, Clang.Compile("nested"), TestContext.Current.CancellationToken);
        Assert.Equal(
            (0, "r0 = 103 (0x67)\n", ""),
            await Allot(["bpf", "run", _file, "--section", "prog/tail", "--memory", "00 00 00"]));
    }

    [Fact]
    public async Task Run_prints_the_memory_that_the_program_has_changed()
    {
        byte[] program = new Asm().Number(BpfOp.Store8, 1, 7, 1).Move(0, -1).Exit().Bytes();
        await File.WriteAllBytesAsync(_file, program, TestContext.Current.CancellationToken);
        Assert.Equal(
            (0, "r0 = 18446744073709551615 (0xffffffffffffffff)\nmemory = 01 07 03\n", ""),
            await Allot(["bpf", "run", _file, "--memory", "01 02 03"]));
    }

    [Fact]
    public async Task Verify_says_what_is_accepted_and_why_not()
    {
        await File.WriteAllBytesAsync(_file, Clang.Compile("tail"), TestContext.Current.CancellationToken);
        (int exitCode, string output, _) = await Allot(["bpf", "verify", _file]);
        Assert.Equal(0, exitCode);
        Assert.Contains("prog/first: accepted; 6 instructions, ", output);
        Assert.Contains("prog/second: accepted; ", output);
        await File.WriteAllBytesAsync(_file, Clang.Compile("unsafe"), TestContext.Current.CancellationToken);
        (exitCode, output, string error) = await Allot(["bpf", "verify", _file]);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith("allot: prog/unsafe: instruction 2 (r0 = *(u8 *)(r1 + 8)), r1: reads 1 bytes at 8", error);
        Assert.Equal(0, (await Allot(["bpf", "verify", _file, "--memory-bytes", "9"])).ExitCode);
    }

    [Fact]
    public async Task Disasm_shows_every_instruction()
    {
        await File.WriteAllBytesAsync(_file, Clang.Compile("unsafe"), TestContext.Current.CancellationToken);
        string expected = """
            prog/unsafe: unsafe
                0: r0 = 0
                1: if r2 < 8 goto + 1
                2: r0 = *(u8 *)(r1 + 8)
                3: exit

            """;
        Assert.Equal((0, expected, ""), await Allot(["bpf", "disasm", _file]));
    }

    [Theory]
    [InlineData(1, "bpf", "run", "no-such-file.o")]
    [InlineData(125, "bpf", "fly")]
    [InlineData(125, "bpf", "run")]
    [InlineData(125, "bpf", "run", "no-such-file.o", "--memory", "xyz")]
    [InlineData(125, "bpf", "run", "no-such-file.o", "--memory", "012")]
    [InlineData(125, "bpf", "run", "no-such-file.o", "--budget", "many")]
    [InlineData(125, "bpf", "run", "no-such-file.o", "--budget", "0")]
    [InlineData(125, "bpf", "verify", "no-such-file.o", "--memory-bytes", "-1")]
    [InlineData(125, "bpf", "verify", "no-such-file.o", "--memory-bytes", "-5")]
    [InlineData(125, "bpf", "size", "--type", "HASH", "--key", "four")]
    public async Task What_is_wrong_is_said(int exitCode, params string[] arguments)
    {
        (int actual, string output, string error) = await Allot(arguments);
        Assert.Equal((exitCode, ""), (actual, output));
        Assert.StartsWith("allot: ", error);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("verify")]
    [InlineData("disasm")]
    public async Task Bare_instructions_have_no_section_of_another_name(string command)
    {
        byte[] program = new Asm().Move(0, 7).Exit().Bytes();
        await File.WriteAllBytesAsync(_file, program, TestContext.Current.CancellationToken);
        (int exitCode, string output, string error) = await Allot(["bpf", command, _file, "--section", "nope"]);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith("allot: there is no program 'nope'; ", error);
        Assert.Equal(0, (await Allot(["bpf", command, _file, "--section", "program"])).ExitCode);
    }

    [Theory, InlineData, InlineData("run"), InlineData("verify"), InlineData("size")]
    public async Task Help_has_examples(params string[] command)
    {
        (int exitCode, string output, _) = await Allot(["bpf", .. command, "--help"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("Examples:", output);
        Assert.All(["run", "verify", "disasm", "conformance"], name => Assert.Contains($"allot bpf {name} ", output));
    }

    private static string[] LinesFrom(string[] lines, string start, int count)
    {
        int first = Array.FindIndex(lines, line => line.StartsWith(start, StringComparison.Ordinal));
        Assert.True(first >= 0, string.Join('\n', lines));
        return lines[first..int.Min(first + count, lines.Length)];
    }

    private static void AssertOnOneProcessor(string[] lines, string start, int elementsBefore, string value)
    {
        int processors = KernelProfile.Default.Processors;
        string[] all = LinesFrom(lines, start, 1 + ((elementsBefore + 1) * (processors + 1)));
        string[] element = all[^(processors + 1)..];
        Assert.Equal("  01 00 00 00:", element[0]);
        IEnumerable<string> possible = Enumerable.Range(0, processors).Select(each => $"    cpu {each}: ");
        Assert.Equal(possible, element[1..].Select(line => line[..(line.IndexOf(':') + 2)]));
        Assert.Single(element[1..], line => line.EndsWith($": {value} 00 00 00 00 00 00 00", StringComparison.Ordinal));
    }

    private static Task<(int ExitCode, string Output, string Error)> Allot(string[] arguments) =>
        AllotProcess.RunAsync(arguments);
}
