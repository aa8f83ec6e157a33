using System.Buffers;
using System.Runtime.InteropServices;

namespace Allot;

/// <summary>A rented buffer: one object for each time it is rented, so that disposing it twice returns it once.
/// </summary>
internal sealed class PooledBuffer(PinnedBufferPool pool, PooledBlock block) : IMemoryOwner<byte>
{
    private PooledBlock? _block = block;

    public Memory<byte> Memory
    {
        get
        {
            PooledBlock? block = Volatile.Read(ref _block);
            ObjectDisposedException.ThrowIf(block is null, this);
            return MemoryMarshal.CreateFromPinnedArray(block.Array, 0, block.Array.Length);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _block, null) is { } block) pool.Return(block);
    }
}
