// A pinned buffer, three ways. Each loop writes a byte into it, so that none is optimized away.

using System.Buffers;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Pins;

internal static class BufferLoops
{
    private const long LimitBytes = 1L << 40;

    /// <summary>Rented from a pool that a group at depth 3 pays for, and returned.</summary>
    public static Action<int> Pool(int bytes)
    {
        var limits = new MemoryGroupOptions { PinsMaxBytes = LimitBytes, MaxBytes = LimitBytes };
        MemoryGroup group = new MemoryController(limits).Root.CreateChild("a", limits).CreateChild("b", limits);
        var pool = new PinnedBufferPool(group);
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                using IMemoryOwner<byte> buffer = pool.Rent(bytes);
                buffer.Memory.Span[0] = 1;
            }
        };
    }

    /// <summary>The same pool for all threads.</summary>
    public static Func<Action<int>> SharedPool(int bytes)
    {
        Action<int>? shared = null;
        return () => shared ??= Pool(bytes);
    }

    /// <summary>Allocated on the pinned heap, and left to the collector.</summary>
    public static Action<int> PinnedHeap(int bytes) => count =>
    {
        for (int i = 0; i < count; i++) GC.AllocateUninitializedArray<byte>(bytes, pinned: true)[0] = 1;
    };

    /// <summary>An array that is there, pinned by a handle and freed.</summary>
    public static Action<int> Handle(int bytes)
    {
        byte[] array = new byte[bytes];
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
                array[0] = 1;
                handle.Free();
            }
        };
    }
}
