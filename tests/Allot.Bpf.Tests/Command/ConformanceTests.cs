using System.Diagnostics;
using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Command;

/// <summary>The plugin protocol of the suite bpf_conformance, as its runner uses it: one process for each program.</summary>
public sealed class ConformanceTests
{
    [Theory]
    [InlineData("b7 00 00 00 07 00 00 00  95 00 00 00 00 00 00 00 ", new string[0], "7")]
    [InlineData("b7 00 00 00 07 00 00 00  95 00 00 00 00 00 00 00 ", new[] { "", "" }, "7")]
    [InlineData("71 10 01 00 00 00 00 00 95 00 00 00 00 00 00 00", new[] { "2a  ff  " }, "ff")]
    [InlineData("bf 20 00 00 00 00 00 00 95 00 00 00 00 00 00 00", new[] { "01 02 03" }, "3")]
    [InlineData("b7 00 00 00 ff ff ff ff 95 00 00 00 00 00 00 00", new[] { "", "--interpret" }, "ffffffffffffffff")]
    [InlineData("B7 00 00 00 FF FF FF FF 95 00 00 00 00 00 00 00", new string[0], "ffffffffffffffff")]
    [InlineData("b7000000ff0000009500000000000000", new[] { "AABB" }, "ff")]
    [InlineData("b7 00 00 00 07 00 00 00\n95 00 00 00 00 00 00 00\n\n", new string[0], "7")]
    [InlineData("b7 00 00 00 07 00 00 00\r\n\t95 00 00 00 00 00 00 00", new string[0], "7")]
    [InlineData("bf 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00", new string[0], "0")]
    [InlineData("bf 20 00 00 00 00 00 00 95 00 00 00 00 00 00 00", new string[0], "0")]
    [InlineData("71 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00", new[] { "\nFe\n" }, "fe")]
    [InlineData("18 00 00 00 88 77 66 55 00 00 00 00 44 33 22 81 95 00 00 00 00 00 00 00", new string[0], "8122334455667788")]
    [InlineData("b4 00 00 00 ff ff ff ff 95 00 00 00 00 00 00 00", new string[0], "ffffffff")]
    [InlineData("b7 01 00 00 ff ff ff ff b7 02 00 00 05 00 00 00 8d 02 00 00 00 00 00 00 b7 00 00 00 02 00 00 00 95 00 00 00 00 00 00 00", new string[0], "2")]
    [InlineData("b7 01 00 00 ff ff ff ff b7 02 00 00 05 00 00 00 8d 00 00 00 02 00 00 00 b7 00 00 00 02 00 00 00 95 00 00 00 00 00 00 00", new string[0], "2")]
    public async Task Prints_r0_in_hexadecimal(string program, string[] arguments, string printed)
    {
        (int exitCode, string output, string error) = await Plugin(program, arguments);
        Assert.Equal((0, printed + "\n", ""), (exitCode, output, error));
    }

    [Theory]
    [InlineData("04 10 00 00 01 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (04 10 00 00 01 00 00 00): the field 'source'")]
    [InlineData("71 10 02 00 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0: 1 bytes at 0x")]
    [InlineData("05 00 ff ff 00 00 00 00", "instruction 0: the run has used up its instructions")]
    [InlineData("", "a program has 1 to")]
    [InlineData("zz", "the program is not bytes")]
    [InlineData("b7 00 00 00 07 00 00 0", "the program is not bytes")]
    [InlineData("b7 00 00 00 07 00 00 00 95 00 00 00 00 00 00", "a program is made of instructions of 8")]
    [InlineData("b7 00 00 00 07 00 00 00", "instruction 0")]
    [InlineData("8f 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0")]
    [InlineData("85 00 00 00 ff ff ff 7f 95 00 00 00 00 00 00 00", "instruction 0")]
    [InlineData("7a 0a f8 fd 00 00 00 00 b7 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (*(u64 *)(r10 - 520) = 0), r10: writes")]
    [InlineData("7a 0a fc ff 00 00 00 00 b7 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (*(u64 *)(r10 - 4) = 0), r10: writes")]
    [InlineData("71 10 ff ff 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0: 1 bytes at 0x")]
    [InlineData("85 10 00 00 ff ff ff ff 95 00 00 00 00 00 00 00", "instruction 0: more than 8 functions")]
    [InlineData("d4 00 00 00 08 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (d4 00 00 00 08 00 00 00): the field 'immediate'")]
    [InlineData("bf 00 01 00 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (bf 00 01 00 00 00 00 00): the field 'offset'")]
    [InlineData("37 00 02 00 03 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (37 00 02 00 03 00 00 00): the field 'offset'")]
    [InlineData("d3 0a f8 ff 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 0 (d3 0a f8 ff 00 00 00 00): the field 'immediate' of opcode 0xd3 has no such variant")]
    [InlineData("b7 02 00 00 ff ff ff 7f 8d 02 00 00 00 00 00 00 95 00 00 00 00 00 00 00", "instruction 1: there is no helper 2147483647")]
    public async Task What_does_not_reach_its_exit_fails_and_says_why(string program, string message)
    {
        (int exitCode, string output, string error) = await Plugin(program, ["00 01"]);
        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.StartsWith("allot: " + message, error);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("0g")]
    [InlineData("00 1")]
    public async Task Memory_that_is_not_bytes_fails(string memory)
    {
        (int exitCode, string output, string error) =
            await Plugin("b7 00 00 00 07 00 00 00 95 00 00 00 00 00 00 00", [memory]);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith("allot: the memory is not bytes", error);
    }

    [Fact]
    public async Task Runs_an_object()
    {
        string hex = string.Join("  ", Clang.Compile("old").Select(one => one.ToString("x2")));
        Assert.Equal((0, "5\n", ""), await Plugin(hex, ["--elf"]));
        Assert.Equal((0, "5\n", ""), await Plugin(hex, ["01 02", "--elf"]));
        (int exitCode, _, string error) = await Plugin("01 02 03", ["--elf"]);
        Assert.Equal(1, exitCode);
        Assert.Equal("allot: this is no ELF object of 64 bits, little-endian\n", error);
    }

    [Fact]
    public async Task Runs_an_object_whose_functions_have_one_name()
    {
        byte[] code = new Asm().Move(0, 4).CallLocal("five").Exit().Label("five").Move(0, 5).Exit().Bytes();
        string hex = string.Join("  ", TinyElf.Make(code).Select(one => one.ToString("x2")));
        Assert.Equal((0, "5\n", ""), await Plugin(hex, ["--elf"]));
    }

    internal static async Task<(int ExitCode, string Output, string Error)> Plugin(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "Allot.Cli"), ["bpf", "conformance", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteLineAsync(program);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
