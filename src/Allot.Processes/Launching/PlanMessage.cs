// A plan as bytes: the header, the filter's instructions, then the strings, each ended by a zero byte: cgroup.procs
// files, arguments, environment. The launcher points into the received bytes and copies nothing.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Launching;

/// <summary>Writes a plan for the launcher.</summary>
internal static class PlanMessage
{
    /// <summary>The whole message, its length in front.</summary>
    public static byte[] Encode(LaunchPlan plan, IReadOnlyList<byte[]> environment)
    {
        InheritedState inherited = plan.Inherited ?? InheritedState.OfThisProcess();
        ReadOnlySpan<byte> filter = plan.Filter is null ? [] : plan.Filter.ProgramBytes;
        var body = new ArrayBufferWriter<byte>();
        Header header = new()
        {
            IgnoredSignals = inherited.IgnoredSignals,
            BlockedSignals = inherited.BlockedSignals,
            OpenFilesSoftLimit = inherited.OpenFilesSoftLimit ?? 0,
            RestoreOpenFiles = inherited.OpenFilesSoftLimit is null ? 0 : 1,
            InstructionCount = filter.Length / BpfInstruction.Bytes,
            CgroupCount = plan.CgroupProcsFiles.Count,
            ArgumentCount = plan.Command.Count,
            EnvironmentCount = environment.Count,
        };
        body.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<Header>(in header)));
        body.Write(filter);
        foreach (string file in plan.CgroupProcsFiles) Write(body, file);
        foreach (byte[] argument in CommandArguments.BytesOf(plan.Command)) Write(body, argument);
        foreach (byte[] variable in environment) Write(body, variable);

        byte[] message = new byte[sizeof(int) + body.WrittenCount];
        MemoryMarshal.Write(message, body.WrittenCount);
        body.WrittenSpan.CopyTo(message.AsSpan(sizeof(int)));
        return message;
    }

    /// <summary>Far more than the kernel takes for arguments and environment together.</summary>
    public const int BodyBytesMax = 1 << 30;

    /// <summary>Whether a body holds all that its header says, and no more. Only then is it followed.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> body)
    {
        if (!MemoryMarshal.TryRead(body, out Header header)) return false;
        if (header.InstructionCount is < 0 or > BpfInstruction.MaxCount) return false;
        if (header.CgroupCount < 0 || header.ArgumentCount < 1 || header.EnvironmentCount < 0) return false;
        ReadOnlySpan<byte> strings = body[Unsafe.SizeOf<Header>()..];
        int filterBytes = header.InstructionCount * BpfInstruction.Bytes;
        if (filterBytes > strings.Length) return false;
        strings = strings[filterBytes..];
        long expected = (long)header.CgroupCount + header.ArgumentCount + header.EnvironmentCount;
        return strings.Count((byte)0) == expected && (strings.IsEmpty || strings[^1] == 0);
    }

    private static void Write(ArrayBufferWriter<byte> body, string text) => Write(body, Encoding.UTF8.GetBytes(text));

    private static void Write(ArrayBufferWriter<byte> body, byte[] text)
    {
        if (text.Contains((byte)0)) throw new ArgumentException("An argument or path cannot contain a zero character.");
        body.Write(text);
        body.Write([(byte)0]);
    }

    /// <summary>The fixed part.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Header
    {
        public ulong IgnoredSignals;
        public ulong BlockedSignals;
        public ulong OpenFilesSoftLimit;
        public int RestoreOpenFiles;
        public int InstructionCount;
        public int CgroupCount;
        public int ArgumentCount;
        public int EnvironmentCount;
        private readonly int _padding;
    }
}
