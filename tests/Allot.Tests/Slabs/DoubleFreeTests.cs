namespace Allot.Tests.Slabs;

/// <summary>Two threads that free one block at the same moment: neither sees that the other does.</summary>
public sealed unsafe class DoubleFreeTests : IDisposable
{
    private const int Bytes = 64;

    private readonly SlabFixture _slabs = new();
    private readonly TurnThread _one = new(), _other = new();

    public void Dispose()
    {
        _one.Dispose();
        _other.Dispose();
        _slabs.Dispose();
    }

    [Fact]
    public void A_block_that_two_threads_have_in_their_bins_is_handed_out_once()
    {
        WarmUp();
        nint block = _slabs.Allocate(_slabs.A, Bytes);
        _one.Run(() => _slabs.Free(block));
        FreeBlock.SetInUse((byte*)block);   // what the other has seen a moment before
        _other.Run(() => _slabs.Free(block));
        AssertHandedOutOnce(block);
    }

    // They seldom meet within the few instructions in question, so most rounds end at the free.
    [Fact]
    public void Of_two_threads_that_free_a_block_at_once_one_is_told_then_or_when_it_allocates()
    {
        WarmUp();
        for (int round = 0; round < 2000; round++)
        {
            nint block = _slabs.Allocate(_slabs.A, Bytes);
            int ready = 0, caught = 0;
            _one.Begin(FreeAtOnce);
            _other.Run(FreeAtOnce);
            _one.End();
            if (caught == 1) continue;
            Assert.Equal(0, caught);
            AssertHandedOutOnce(block);
            return;

            void FreeAtOnce()
            {
                Interlocked.Increment(ref ready);
                SpinWait spin = default;
                while (Volatile.Read(ref ready) < 2) spin.SpinOnce();
                try
                {
                    _slabs.Free(block);
                }
                catch (CorruptionException)
                {
                    Interlocked.Increment(ref caught);
                }
            }
        }
    }

    private void WarmUp()
    {
        _one.Run(() => _slabs.Free(_slabs.Allocate(_slabs.A, Bytes)));
        _other.Run(() => _slabs.Free(_slabs.Allocate(_slabs.A, Bytes)));
    }

    private void AssertHandedOutOnce(nint block)
    {
        nint allocated = 0;
        _one.Run(() => allocated = _slabs.Allocate(_slabs.A, Bytes));
        Assert.Equal(block, allocated);
        Exception told = Assert.ThrowsAny<Exception>(() => _other.Run(() => _slabs.Allocate(_slabs.A, Bytes)));
        Assert.Contains("freed by two threads at once", told.Message);
    }
}
