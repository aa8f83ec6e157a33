using System.Runtime.InteropServices;

namespace Allot.Bpf.Tests.Support;

/// <summary>The BPF machine of the running kernel, as an oracle: whether it can be asked, and single runs of programs
/// without maps.</summary>
internal static class KernelBpf
{
    private static readonly Lazy<string?> s_reason = new(Probe);

    /// <summary>Why the kernel cannot be asked; null when it can.</summary>
    public static string? Reason => s_reason.Value;

    public static void Require() => Assert.SkipUnless(Reason is null, $"No oracle in the kernel: {Reason}.");

    /// <summary>Runs a program; what it leaves in its memory is there afterwards.</summary>
    /// <returns>False when the kernel refuses the program, with its log.</returns>
    public static bool TryRun(ReadOnlySpan<byte> program, Span<byte> memory, out uint result, out string log)
    {
        using KernelProgram? loaded = KernelProgram.TryLoad(program, [], out log);
        result = loaded?.Run(memory) ?? 0;
        return loaded is not null;
    }

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux()) return "this is not Linux";
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) return "the numbers here are those of x86-64";
        try
        {
            byte[] program = new Asm().Move(0, 7).Exit().Bytes();
            if (!TryRun(program, [], out uint result, out string log)) return log.Trim();
            return result == 7 ? null : $"a program that returns 7 has returned {result}";
        }
        catch (InvalidOperationException failure)
        {
            return failure.Message;
        }
    }
}
