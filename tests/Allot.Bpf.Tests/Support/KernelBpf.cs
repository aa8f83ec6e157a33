using System.Runtime.InteropServices;

namespace Allot.Bpf.Tests.Support;

/// <summary>The BPF machine of the running kernel, as an oracle: loads a program as one of type SYSCALL, whose context is
/// memory of any content that it may read and write, and runs it once.</summary>
internal static unsafe partial class KernelBpf
{
    private const int ProgramLoad = 5;
    private const int ProgramTestRun = 10;
    private const uint TypeSyscall = 31;
    private const uint Sleepable = 1 << 4;
    private const int LogBytes = 1 << 16;

    private static readonly Lazy<string?> s_reason = new(Probe);

    /// <summary>Why the kernel cannot be asked; null when it can.</summary>
    public static string? Reason => s_reason.Value;

    public static void Require() => Assert.SkipUnless(Reason is null, $"No oracle in the kernel: {Reason}.");

    /// <summary>Runs a program; what it leaves in its memory is there afterwards.</summary>
    /// <returns>False when the kernel refuses the program, with its log.</returns>
    public static bool TryRun(ReadOnlySpan<byte> program, Span<byte> memory, out uint result, out string log)
    {
        result = 0;
        int fd = Load(program, out log);
        if (fd < 0) return false;
        try
        {
            fixed (byte* context = memory)
            {
                var run = new RunAttributes
                {
                    ProgramFd = (uint)fd,
                    ContextIn = memory.IsEmpty ? 0 : (ulong)context,
                    ContextOut = 0,
                    ContextInBytes = (uint)memory.Length,
                };
                if (Bpf(ProgramTestRun, &run, sizeof(RunAttributes)) < 0)
                {
                    throw new InvalidOperationException($"BPF_PROG_TEST_RUN: errno {Marshal.GetLastPInvokeError()}");
                }

                result = run.ReturnValue;
                return true;
            }
        }
        finally
        {
            _ = Close(fd);
        }
    }

    public static int Load(ReadOnlySpan<byte> program, out string log)
    {
        byte[] text = new byte[LogBytes];
        fixed (byte* instructions = program)
        fixed (byte* logBytes = text)
        fixed (byte* license = "GPL\0"u8)
        {
            var load = new LoadAttributes
            {
                Type = TypeSyscall,
                Count = (uint)program.Length / 8,
                Instructions = (ulong)instructions,
                License = (ulong)license,
                LogLevel = 1,
                LogBytes = LogBytes,
                Log = (ulong)logBytes,
                Flags = Sleepable,
            };
            int fd = Bpf(ProgramLoad, &load, sizeof(LoadAttributes));
            log = System.Text.Encoding.UTF8.GetString(text.AsSpan(0, text.IndexOf((byte)0)));
            if (fd < 0) log = $"errno {Marshal.GetLastPInvokeError()}\n{log}";
            return fd;
        }
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

    private static int Bpf(int command, void* attributes, int bytes) =>
        (int)SystemCall(321, command, (nint)attributes, bytes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);

    [StructLayout(LayoutKind.Explicit, Size = 144)]
    private struct LoadAttributes
    {
        [FieldOffset(0)] public uint Type;
        [FieldOffset(4)] public uint Count;
        [FieldOffset(8)] public ulong Instructions;
        [FieldOffset(16)] public ulong License;
        [FieldOffset(24)] public uint LogLevel;
        [FieldOffset(28)] public uint LogBytes;
        [FieldOffset(32)] public ulong Log;
        [FieldOffset(44)] public uint Flags;
    }

    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct RunAttributes
    {
        [FieldOffset(0)] public uint ProgramFd;
        [FieldOffset(4)] public uint ReturnValue;
        [FieldOffset(40)] public uint ContextInBytes;
        [FieldOffset(44)] public uint ContextOutBytes;
        [FieldOffset(48)] public ulong ContextIn;
        [FieldOffset(56)] public ulong ContextOut;
    }
}
