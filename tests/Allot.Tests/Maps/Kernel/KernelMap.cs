using System.Runtime.InteropServices;
using Allot.Maps;

namespace Allot.Tests.Maps.Kernel;

/// <summary>A map of the running kernel, as an oracle. Its calls return 0 or the error as a negative number, as those
/// of our maps for the host.</summary>
internal sealed unsafe partial class KernelMap : IDisposable
{
    private const int CreateMap = 0, LookupElement = 1, UpdateElement = 2, DeleteElement = 3, GetNextKey = 4;
    private const int LookupAndDeleteElement = 21;

    private static readonly Lazy<string?> s_reason = new(Probe);

    private readonly int _fd;

    private KernelMap(int fd) => _fd = fd;

    public static void Require() =>
        Assert.SkipUnless(s_reason.Value is null, $"No maps in the kernel: {s_reason.Value}.");

    public static KernelMap Create(MapDefinition definition)
    {
        int fd = TryCreate(definition);
        Assert.True(fd >= 0, $"The kernel refuses the map: {fd}.");
        return new KernelMap(fd);
    }

    public int Read(byte* key, byte* value, ulong flags = 0) => Element(LookupElement, key, value, flags);

    public int Write(byte* key, byte* value, ulong flags = 0) => Element(UpdateElement, key, value, flags);

    public int Remove(byte* key) => Element(DeleteElement, key, null, 0);

    public int LookupAndDelete(byte* key, byte* value, ulong flags = 0) =>
        Element(LookupAndDeleteElement, key, value, flags);

    public int NextKey(byte* key, byte* next) => Element(GetNextKey, key, next, 0);

    public void Dispose() => _ = Close(_fd);

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux()) return "this is not Linux";
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) return "the numbers here are those of x86-64";
        int fd = TryCreate(new() { Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 1 });
        if (fd < 0) return $"bpf(2) says {fd}";
        _ = Close(fd);
        return null;
    }

    private static int TryCreate(MapDefinition definition)
    {
        var create = new CreateAttributes
        {
            Type = (uint)definition.Type,
            KeyBytes = (uint)definition.KeyBytes,
            ValueBytes = (uint)definition.ValueBytes,
            Capacity = (uint)definition.Capacity,
            Flags = definition.Flags,
            Extra = definition.MapExtra,
        };
        return Call(CreateMap, &create, sizeof(CreateAttributes));
    }

    private int Element(int command, byte* key, byte* value, ulong flags)
    {
        var element = new ElementAttributes { Fd = (uint)_fd, Key = (ulong)key, Value = (ulong)value, Flags = flags };
        return Call(command, &element, sizeof(ElementAttributes));
    }

    private static int Call(int command, void* attributes, int bytes)
    {
        const int Number = 321;
        int result = (int)SystemCall(Number, command, (nint)attributes, bytes);
        return result < 0 ? -Marshal.GetLastPInvokeError() : result;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);

    [StructLayout(LayoutKind.Explicit, Size = 72)]
    private struct CreateAttributes
    {
        [FieldOffset(0)] public uint Type;
        [FieldOffset(4)] public uint KeyBytes;
        [FieldOffset(8)] public uint ValueBytes;
        [FieldOffset(12)] public uint Capacity;
        [FieldOffset(16)] public uint Flags;
        [FieldOffset(64)] public ulong Extra;
    }

    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct ElementAttributes
    {
        [FieldOffset(0)] public uint Fd;
        [FieldOffset(8)] public ulong Key;
        [FieldOffset(16)] public ulong Value;
        [FieldOffset(24)] public ulong Flags;
    }
}
