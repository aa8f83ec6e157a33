using System.Runtime.InteropServices;
using Allot.Maps;

namespace Allot.Bpf.Tests.Support;

/// <summary>A program with maps and functions in the running kernel: of type SYSCALL, whose first argument is memory that
/// it may read and write. References to maps are the same indices as here.</summary>
internal sealed unsafe partial class KernelProgram : IDisposable
{
    private const int MapCreate = 0, MapUpdate = 2, ProgramLoad = 5, ProgramTestRun = 10, BtfLoad = 18;
    private const uint TypeSyscall = 31, Sleepable = 1 << 4;
    private const int LogBytes = 1 << 16;

    private readonly List<int> _maps = [];
    private int _program = -1;
    private nint _arena;
    private nint _arenaBytes;

    private KernelProgram()
    {
    }

    /// <summary>Loads a program.</summary>
    /// <returns>Null when the kernel refuses it, with its log.</returns>
    public static KernelProgram? TryLoad(ReadOnlySpan<byte> program, IReadOnlyList<MapDefinition> maps, out string log)
    {
        var loaded = new KernelProgram();
        foreach (MapDefinition map in maps)
        {
            loaded._maps.Add(CreateMap(map));
            if (map.Type == MapType.Arena) loaded.MapArena(map, loaded._maps[^1]);
        }

        byte[] copy = program.ToArray();
        var functions = new SortedSet<int> { 0 };
        for (int at = 0; at < copy.Length; at += 8)
        {
            BpfInstruction one = BpfInstruction.Read(copy.AsSpan(at));
            if (one is { Opcode: 0x18, Source: 1 or 2 })
            {
                (one with { Immediate = loaded._maps[one.Immediate] }).Write(copy.AsSpan(at));
            }

            if (one is { Opcode: 0x18, Source: 4 } or { Opcode: 0x85, Source: 1 }) functions.Add((at / 8) + 1 + one.Immediate);
        }

        loaded._program = Load(copy, [.. functions], out log);
        if (loaded._program >= 0) return loaded;
        loaded.Dispose();
        return null;
    }

    /// <summary>The pages of its arena, which are there when they have been touched.</summary>
    public Span<byte> Arena => new((byte*)_arena, (int)_arenaBytes);

    public uint Run(Span<byte> memory)
    {
        fixed (byte* context = memory)
        {
            var run = new RunAttributes
            {
                ProgramFd = (uint)_program,
                ContextIn = memory.IsEmpty ? 0 : (ulong)context,
                ContextInBytes = (uint)memory.Length,
            };
            if (Bpf(ProgramTestRun, &run, sizeof(RunAttributes)) < 0)
            {
                throw new InvalidOperationException($"BPF_PROG_TEST_RUN: errno {Marshal.GetLastPInvokeError()}");
            }

            return run.ReturnValue;
        }
    }

    public void Dispose()
    {
        if (_program >= 0) _ = Close(_program);
        foreach (int map in _maps) _ = Close(map);
        if (_arena != 0) _ = Unmap(_arena, _arenaBytes);
    }

    private void MapArena(MapDefinition map, int fd)
    {
        const int ReadAndWrite = 3, Shared = 1;
        _arenaBytes = (nint)map.Capacity * 4096;
        _arena = MapMemory(0, _arenaBytes, ReadAndWrite, Shared, fd, 0);
        if (_arena == -1) throw new InvalidOperationException($"mmap of an arena: errno {Marshal.GetLastPInvokeError()}");
    }

    private static int CreateMap(MapDefinition map)
    {
        int inner = map.InnerMap is { } template ? CreateMap(template) : 0;
        var create = new MapAttributes
        {
            Type = (uint)map.Type,
            KeyBytes = (uint)map.KeyBytes,
            ValueBytes = (uint)map.ValueBytes,
            Capacity = (uint)map.Capacity,
            Flags = map.Flags,
            InnerFd = (uint)inner,
        };
        int fd = Bpf(MapCreate, &create, sizeof(MapAttributes));
        if (fd < 0) throw new InvalidOperationException($"BPF_MAP_CREATE: errno {Marshal.GetLastPInvokeError()}");
        if (inner == 0) return fd;
        for (uint key = 1; key < map.Capacity; key += 2)
        {
            var update = new UpdateAttributes { Fd = (uint)fd, Key = (ulong)&key, Value = (ulong)&inner };
            if (Bpf(MapUpdate, &update, sizeof(UpdateAttributes)) < 0) throw new InvalidOperationException("BPF_MAP_UPDATE");
        }

        _ = Close(inner);
        return fd;
    }

    private static int Load(byte[] program, int[] functions, out string log)
    {
        int types = functions.Length > 1 ? LoadTypes() : 0;
        byte[] text = new byte[LogBytes];
        uint[] infos = [.. functions.SelectMany(at => (uint[])[(uint)at, 3])];
        fixed (byte* instructions = program)
        fixed (byte* logBytes = text)
        fixed (uint* info = infos)
        fixed (byte* license = "GPL\0"u8)
        {
            var load = new LoadAttributes
            {
                Type = TypeSyscall,
                Count = (uint)program.Length / 8,
                Instructions = (ulong)instructions,
                License = (ulong)license,
                Flags = Sleepable,
            };
            if (types > 0)
            {
                load.TypesFd = (uint)types;
                load.FunctionInfoBytes = 8;
                load.FunctionInfo = (ulong)info;
                load.FunctionCount = (uint)functions.Length;
            }

            // A log that is too long would be an error too: it is asked for only after one.
            int fd = Bpf(ProgramLoad, &load, sizeof(LoadAttributes));
            if (fd < 0)
            {
                (load.LogLevel, load.LogBytes, load.Log) = (1, LogBytes, (ulong)logBytes);
                fd = Bpf(ProgramLoad, &load, sizeof(LoadAttributes));
            }

            log = System.Text.Encoding.UTF8.GetString(text.AsSpan(0, text.IndexOf((byte)0)));
            if (fd < 0) log = $"errno {Marshal.GetLastPInvokeError()}\n{log}";
            if (types > 0) _ = Close(types);
            return fd;
        }
    }

    // BTF of one static function without arguments, which all functions are said to be: 1 int, 2 its type, 3 itself.
    private static int LoadTypes()
    {
        uint[] types = [1, 1 << 24, 4, (1 << 24) | 32, 0, 13 << 24, 1, 5, 12 << 24, 2];
        byte[] names = [.. "\0int\0f\0"u8];
        byte[] all =
        [
            0x9f, 0xeb, 1, 0, .. Words(24, 0, (uint)types.Length * 4, (uint)types.Length * 4, (uint)names.Length),
            .. Words(types), .. names,
        ];
        fixed (byte* bytes = all)
        {
            var load = new BtfAttributes { Types = (ulong)bytes, Bytes = (uint)all.Length };
            int fd = Bpf(BtfLoad, &load, sizeof(BtfAttributes));
            return fd >= 0 ? fd : throw new InvalidOperationException($"BPF_BTF_LOAD: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    private static byte[] Words(params uint[] words) => [.. words.SelectMany(BitConverter.GetBytes)];

    private static int Bpf(int command, void* attributes, int bytes) =>
        (int)SystemCall(321, command, (nint)attributes, bytes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MapMemory(nint address, nint bytes, int access, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint bytes);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);

    [StructLayout(LayoutKind.Explicit, Size = 72)]
    private struct MapAttributes
    {
        [FieldOffset(0)] public uint Type;
        [FieldOffset(4)] public uint KeyBytes;
        [FieldOffset(8)] public uint ValueBytes;
        [FieldOffset(12)] public uint Capacity;
        [FieldOffset(16)] public uint Flags;
        [FieldOffset(20)] public uint InnerFd;
    }

    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct UpdateAttributes
    {
        [FieldOffset(0)] public uint Fd;
        [FieldOffset(8)] public ulong Key;
        [FieldOffset(16)] public ulong Value;
    }

    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct BtfAttributes
    {
        [FieldOffset(0)] public ulong Types;
        [FieldOffset(16)] public uint Bytes;
    }

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
        [FieldOffset(72)] public uint TypesFd;
        [FieldOffset(76)] public uint FunctionInfoBytes;
        [FieldOffset(80)] public ulong FunctionInfo;
        [FieldOffset(88)] public uint FunctionCount;
    }

    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct RunAttributes
    {
        [FieldOffset(0)] public uint ProgramFd;
        [FieldOffset(4)] public uint ReturnValue;
        [FieldOffset(40)] public uint ContextInBytes;
        [FieldOffset(48)] public ulong ContextIn;
    }
}
