// bpf(2), as far as maps need it: what the kernel of this machine does is compared with what Allot does. Its attributes
// are written field by field, at the offsets of the kernel's own header.

using System.Globalization;
using System.Runtime.InteropServices;

namespace Allot.Testing;

internal static unsafe partial class KernelBpf
{
    public const int CreateMap = 0, Lookup = 1, Update = 2, Delete = 3, NextKey = 4, LoadProgram = 5, TestRun = 10;
    public const int LookupAndDelete = 21, Freeze = 22;
    public const int LookupBatch = 24, LookupAndDeleteBatch = 25, UpdateBatch = 26, DeleteBatch = 27;

    private const int AttributeBytes = 128;

    /// <summary>Whether this process may make maps.</summary>
    public static bool IsAvailable { get; } = Probe();

    /// <summary>The possible processors of the machine.</summary>
    public static int Processors { get; } = CountProcessors();

    /// <summary>Makes a map.</summary>
    /// <returns>Its descriptor, or the error as a negative number.</returns>
    public static int TryCreateMap(
        int type, uint keyBytes, uint valueBytes, uint capacity, uint flags = 0, ulong extra = 0, int inner = 0)
    {
        byte* attribute = stackalloc byte[AttributeBytes];
        new Span<byte>(attribute, AttributeBytes).Clear();
        var words = new Span<uint>(attribute, AttributeBytes / 4);
        words[0] = (uint)type;
        words[1] = keyBytes;
        words[2] = valueBytes;
        words[3] = capacity;
        words[4] = flags;
        words[5] = (uint)inner;
        *(ulong*)(attribute + 64) = extra;
        return Call(CreateMap, attribute, 72);
    }

    /// <summary>One of the calls on an element.</summary>
    /// <returns>0, or the error as a negative number.</returns>
    public static int Element(int command, int map, void* key, void* value, ulong flags = 0)
    {
        ulong* attribute = stackalloc ulong[4] { (uint)map, (ulong)key, (ulong)value, flags };
        return Call(command, attribute, 32);
    }

    /// <summary>Loads a socket filter.</summary>
    /// <returns>Its descriptor, or the error as a negative number.</returns>
    public static int Load(ReadOnlySpan<ulong> instructions)
    {
        byte* attribute = stackalloc byte[AttributeBytes];
        new Span<byte>(attribute, AttributeBytes).Clear();
        fixed (ulong* code = instructions)
        fixed (byte* license = "GPL\0"u8)
        {
            const int SocketFilter = 1;
            *(int*)attribute = SocketFilter;
            *(int*)(attribute + 4) = instructions.Length;
            *(ulong*)(attribute + 8) = (ulong)code;
            *(ulong*)(attribute + 16) = (ulong)license;
            return Call(LoadProgram, attribute, 48);
        }
    }

    /// <summary>Runs a program a number of times.</summary>
    /// <returns>The nanoseconds of a run, as the kernel measured them, or the error as a negative number.</returns>
    public static long Run(int program, int times)
    {
        byte* attribute = stackalloc byte[AttributeBytes];
        new Span<byte>(attribute, AttributeBytes).Clear();
        byte* packet = stackalloc byte[64];
        new Span<byte>(packet, 64).Clear();
        *(int*)attribute = program;
        *(int*)(attribute + 8) = 64;
        *(ulong*)(attribute + 16) = (ulong)packet;
        *(int*)(attribute + 32) = times;
        int error = Call(TestRun, attribute, 80);
        return error < 0 ? error : *(uint*)(attribute + 36);
    }

    /// <summary>What the kernel shows as memlock of a map.</summary>
    public static long MemlockOf(int map)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{map}")
            .First(static line => line.StartsWith("memlock:", StringComparison.Ordinal));
        return long.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture);
    }

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    private static int Call(int command, void* attribute, int bytes)
    {
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;
        nint result = SystemCall(number, command, attribute, bytes);
        return result < 0 ? -Marshal.GetLastPInvokeError() : (int)result;
    }

    private static bool Probe()
    {
        if (!OperatingSystem.IsLinux() || !BitConverter.IsLittleEndian) return false;
        int map = TryCreateMap(1, 4, 4, 1);
        if (map >= 0) _ = Close(map);
        return map >= 0;
    }

    private static int CountProcessors()
    {
        const string Possible = "/sys/devices/system/cpu/possible";
        if (!File.Exists(Possible)) return Environment.ProcessorCount;
        int count = 0;
        foreach (string range in File.ReadAllText(Possible).Trim().Split(','))
        {
            string[] ends = range.Split('-');
            int first = int.Parse(ends[0], CultureInfo.InvariantCulture);
            count += int.Parse(ends[^1], CultureInfo.InvariantCulture) - first + 1;
        }

        return count;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint command, void* attribute, nint bytes);
}
