using System.Buffers;

namespace Allot.Tests.Slabs;

/// <summary>The system refuses memory to the allocator that the whole process shares, at every place where it could,
/// and on every way to allocate: nothing stays charged and nothing is lost.</summary>
[Collection(AloneInProcess.Name)]
public sealed unsafe class SharedFaultTests : IDisposable
{
    private static readonly GroupBufferOptions s_pinned = new() { HeldAs = PinKind.Pinned };

    private readonly MemoryController _controller = new(new MemoryGroupOptions { MaxBytes = 1L << 40 });
    private readonly MemoryGroup _group;
    private readonly ObjectCache<Entry> _cache = new("of shared faults", new() { Kind = MemoryKind.User });
    private readonly ObjectCache<Entry> _own = new("of one group", new() { HasPrivateSlabs = true });
    private readonly ObjectCache<Entry> _made;
    private int _requests, _failsAt, _failures, _constructed;
    private bool _fromThereOn;

    public SharedFaultTests()
    {
        _group = _controller.Root.CreateChild("tenant");
        _made = new ObjectCache<Entry>("made", null, (ref Entry entry) =>
        {
            entry.Bytes[0] = 7;
            if (++_constructed % 7 == 0) throw new NotSupportedException();
        });
    }

    public void Dispose()
    {
        _cache.Remove();
        _own.Remove();
        _made.Remove();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_request_to_the_system_may_fail(bool fromThereOn)
    {
        _fromThereOn = fromThereOn;
        OnThread(failsAt: 0);
        Assert.Equal(0, _failures);
        Assert.InRange(_requests, 3, 1000);
        GroupMemory.Trim();
        long inUse = GroupMemory.Shared.Validate(), held = GroupMemory.UsedBytes;
        int everFailed = 0;
        for (int n = 1; n == 1 || _requests >= n - 1; n++)
        {
            OnThread(n);
            everFailed += _failures;
            Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
            GroupMemory.Trim();
            Assert.InRange(GroupMemory.Shared.Validate(), 0, inUse);   // what others have left may be finalized meanwhile
        }

        Assert.True(everFailed > 0 || !fromThereOn);   // where only one request fails, another way is found

        // Bookkeeping of the threads that there were is kept for the next ones, two units at most.
        Assert.InRange(GroupMemory.UsedBytes, 0, held + (2 * PageArena.UnitBytes));
    }

    // A new thread each time: a heap of its own is made, or inherited.
    private void OnThread(int failsAt)
    {
        _requests = _failures = 0;
        _failsAt = failsAt;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                SystemPages.Refuses = Refuses;
                Run();
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
            finally
            {
                SystemPages.Refuses = null;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    private bool Refuses()
    {
        int request = ++_requests;
        return _failsAt > 0 && (request == _failsAt || (_fromThereOn && request > _failsAt));
    }

    private void Run()
    {
        List<Action> frees = [];
        using (_group.Enter())
        {
            foreach (int bytes in (int[])[8, 64, 5000, 40_000, 300_000, 3_000_000])
            {
                Try(() => Block(GroupMemory.Allocate(_group, (nuint)bytes)));
                Try(() => Block(GroupMemory.Allocate((nuint)bytes)));
                Try(() => Block(GroupMemory.Allocate(_group, (nuint)bytes, AllocationFlags.Kernel | AllocationFlags.Zero)));
                Try(() => Block(_group.Allocator().Allocate((nuint)bytes)));
                Try(() => Block(GroupMemory.TryAllocate(_group, (nuint)bytes, out _)));
                Try(() => Buffer(GroupMemoryPool.Shared.Rent(bytes)));
                Try(() => Array(new GroupArray<long>(_group, bytes)));
                Try(() => Buffer(new GroupMemoryPool(_group, s_pinned).Rent(bytes)));
                Try(() => Write(bytes));
                Try(() => WriteInPieces(bytes));
                Try(() => Stream(bytes));
                Try(() => StreamInPieces(bytes));
            }

            for (int i = 0; i < 1000; i++)
            {
                Try(() => Object(_cache));
                Try(() => Object(_own));
                Try(() => Object(_made));
            }
        }

        foreach (Action free in frees) free();

        void Try(Action allocate)
        {
            try
            {
                allocate();
            }
            catch (InsufficientMemoryException)
            {
                _failures++;
            }
            catch (NotSupportedException)
            {
                // Of the constructor.
            }
        }

        void Block(byte* block) => frees.Add(() => GroupMemory.Free(block));

        void Buffer(IMemoryOwner<byte> owner) => frees.Add(owner.Dispose);

        void Array(GroupArray<long> array) => frees.Add(array.Dispose);

        void Write(int bytes)
        {
            var writer = new GroupBufferWriter(_group);
            frees.Add(writer.Dispose);
            _ = writer.GetSpan(bytes);
        }

        void Stream(int bytes)
        {
            var stream = new GroupMemoryStream(_group);
            frees.Add(stream.Dispose);
            stream.SetLength(bytes);
        }

        // What is refused leaves what was written before (I8).
        void WriteInPieces(int bytes)
        {
            var writer = new GroupBufferWriter(_group);
            frees.Add(writer.Dispose);
            for (int done = 0; done < bytes; done += 1000)
            {
                long before = writer.WrittenBytes, charged = writer.ChargedBytes;
                try
                {
                    writer.GetSpan(1000)[0] = 1;
                    writer.Advance(1000);
                }
                catch (InsufficientMemoryException)
                {
                    Assert.Equal((before, charged), (writer.WrittenBytes, writer.ChargedBytes));
                    throw;
                }
            }
        }

        void StreamInPieces(int bytes)
        {
            var stream = new GroupMemoryStream(_group);
            frees.Add(stream.Dispose);
            byte[] piece = new byte[1000];
            for (int done = 0; done < bytes; done += piece.Length)
            {
                long before = stream.Length;
                try
                {
                    stream.Write(piece);
                }
                catch (InsufficientMemoryException)
                {
                    Assert.InRange(stream.Length, before, before + piece.Length);
                    throw;
                }
            }
        }

        void Object(ObjectCache<Entry> cache)
        {
            nint made = (nint)cache.Allocate(_group);
            frees.Add(() => cache.Free((Entry*)made));
        }
    }

    private struct Entry
    {
        public fixed byte Bytes[200];
    }
}
