using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Kernel;

/// <summary>A map of the running kernel, as an oracle. Its calls return 0 or the error as a negative number, as those
/// of our maps for the host.</summary>
internal sealed unsafe class KernelMap : IDisposable
{
    private readonly int _fd;

    private KernelMap(int fd) => _fd = fd;

    public static void Require() => Assert.SkipUnless(KernelBpf.IsAvailable, "bpf(2) is not permitted here");

    public static KernelMap Create(MapDefinition definition)
    {
        int fd = KernelBpf.TryCreateMap(
            (int)definition.Type,
            (uint)definition.KeyBytes,
            (uint)definition.ValueBytes,
            (uint)definition.Capacity,
            definition.Flags,
            definition.MapExtra);
        Assert.True(fd >= 0, $"The kernel refuses the map: {fd}.");
        return new KernelMap(fd);
    }

    public int Read(byte* key, byte* value, ulong flags = 0) =>
        KernelBpf.Element(KernelBpf.Lookup, _fd, key, value, flags);

    public int Write(byte* key, byte* value, ulong flags = 0) =>
        KernelBpf.Element(KernelBpf.Update, _fd, key, value, flags);

    public int Remove(byte* key) => KernelBpf.Element(KernelBpf.Delete, _fd, key, null);

    public int LookupAndDelete(byte* key, byte* value, ulong flags = 0) =>
        KernelBpf.Element(KernelBpf.LookupAndDelete, _fd, key, value, flags);

    public int NextKey(byte* key, byte* next) => KernelBpf.Element(KernelBpf.NextKey, _fd, key, next);

    public void Dispose() => _ = KernelBpf.Close(_fd);
}
