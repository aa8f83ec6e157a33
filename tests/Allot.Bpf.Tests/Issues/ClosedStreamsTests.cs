using System.Diagnostics;

namespace Allot.Bpf.Tests.Issues;

/// <summary>Where standard input is closed, the runtime opens something of its own in its place, and reading from that
/// takes for ever. What cannot be written has ended some commands by an exception that nobody catches, with 134.</summary>
public sealed class ClosedStreamsTests
{
    [Theory]
    [InlineData("bpf run -")]
    [InlineData("bpf verify -")]
    [InlineData("bpf disasm -")]
    [InlineData("bpf conformance")]
    public async Task Standard_input_that_is_closed_cannot_be_read(string command)
    {
        (int exitCode, string error) = await RunAsync($"{command} <&-");
        Assert.Equal(1, exitCode);
        Assert.Equal("allot: standard input is closed.\n", error);
    }

    [Theory]
    [InlineData("bpf size --type HASH --key 4 --value 8 --entries 10", 1)]
    [InlineData("bpf conformance --program b7000000070000009500000000000000", 1)]
    [InlineData("bpf --help", 125)]
    [InlineData("--version", 125)]
    public async Task Output_that_finds_no_room_is_said(string command, int expected)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full");
        (int exitCode, string error) = await RunAsync($"{command} > /dev/full");
        Assert.Equal("allot: No space left on device\n", error);
        Assert.Equal(expected, exitCode);
    }

    private static async Task<(int ExitCode, string Error)> RunAsync(string command)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Allot.Cli");
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec \"$0\" {command}", path]) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return (process.ExitCode, await error);
    }
}
