using System.Runtime.CompilerServices;
using System.Text;

namespace Allot.Tests.PinSources;

/// <summary>A real ring of the kernel, with buffers of all sorts.</summary>
[Collection(KernelPins.Collection)]
public sealed class IoRingTests : IDisposable
{
    private readonly TreeOfThree _tree = new();
    private readonly string _path = Path.GetTempFileName();

    public IoRingTests() => KernelPins.RequireIoUring();

    private static long Page => KernelPins.Page;

    public void Dispose()
    {
        File.Delete(_path);
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.True(PinCheck.Run().IsExact, PinCheck.Run().ToString());
    }

    [Fact]
    public void Files_are_read_and_written_through_registered_buffers()
    {
        using var memory = new LockedMemory(_tree.Leaf, 8192);
        using var pool = new PinnedBufferPool(_tree.Leaf);
        using var pooled = pool.Rent(4096);
        using var ring = new IoRing(_tree.Leaf);
        ring.Register(memory.Memory, pooled.Memory);
        Assert.Equal(2, ring.BufferCount);
        "hello, ring"u8.CopyTo(memory.Span);
        using (var file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite))
        {
            Assert.Equal(11, ring.Write(file, buffer: 0, bytes: 11, fileOffset: 5));
            Assert.Equal(16, ring.Read(file, buffer: 1, bytes: 100, fileOffset: 0));
            Assert.Equal(0, ring.Read(file, buffer: 1, bytes: 100, fileOffset: 99));
            for (int i = 0; i < 100; i++) Assert.Equal(11, ring.Read(file, 1, 11, 5));
        }

        Assert.Equal("hello, ring", Encoding.ASCII.GetString(pooled.Memory.Span[..11]));
        ring.Dispose();
        pooled.Dispose();
        pool.Dispose();
        memory.Dispose();
    }

    [Fact]
    public void What_the_system_refuses_is_an_error_of_its_own()
    {
        using var memory = new LockedMemory(_tree.Leaf, 4096);
        using (var ring = new IoRing(_tree.Leaf))
        {
            ring.Register(memory.Memory);
            using var file = File.OpenHandle(_path, FileMode.Open, FileAccess.Read);
            Assert.Throws<IOException>(() => ring.Write(file, 0, 10, 0));
            Assert.Throws<InvalidOperationException>(() => ring.Register(memory.Memory));
            Assert.Throws<ArgumentOutOfRangeException>(() => ring.Read(file, 1, 10, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => ring.Read(file, 0, 4097, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => ring.Read(file, 0, -1, 0));
            Assert.Throws<ArgumentException>(() => ring.Register());
            ring.Unregister();
            Assert.Throws<ArgumentException>(() => ring.Register(Memory<byte>.Empty));
            Assert.Throws<ArgumentOutOfRangeException>(() => ring.Read(file, 0, 1, 0));
            ring.Dispose();
            Assert.Throws<ObjectDisposedException>(() => ring.Register(memory.Memory));
        }

        memory.Dispose();
    }

    [Fact]
    public void A_registered_array_on_the_pinned_heap_stays_although_nobody_else_keeps_it()
    {
        using var ring = new IoRing(_tree.Leaf);
        WeakReference array = Register(ring, _tree.Leaf);
        GC.Collect();
        Assert.True(array.IsAlive);
        ring.Unregister();
        GC.Collect();
        Assert.False(array.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Register(IoRing ring, MemoryGroup group)
        {
            using var array = new PinnedArray<byte>(group, 4096);
            ring.Register(array.Memory);
            return new WeakReference(array.Array);
        }
    }

    [Fact]
    public void A_refused_registration_changes_nothing()
    {
        _tree.Middle.Pins.MaxBytes = 2 * Page;
        using var memory = new LockedMemory(_tree.Leaf, Page);
        using (var ring = new IoRing(_tree.Leaf))
        {
            Assert.Throws<MemoryLimitExceededException>(() => ring.Register(memory.Memory, memory.Memory));
            Assert.Equal((0, 0L), (ring.BufferCount, ring.PinnedBytes));
            ring.Register(memory.Memory);
            Assert.Equal(2 * Page, _tree.Middle.Pins.CurrentBytes);
        }

        memory.Dispose();
    }
}
