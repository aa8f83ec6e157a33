using System.Buffers;
using System.IO.Pipes;
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
    public void A_completion_of_an_earlier_operation_is_not_taken_for_that_of_the_next()
    {
        const byte NoOperation = 0, PollAdd = 6;
        const uint Readable = 1, MoreThanOnce = 1;
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var queues = new RingQueues(entries: 4);
        try
        {
            pipe.WriteByte(1);
            int readable = queues.Do(new RingCalls.Submission
            {
                Opcode = PollAdd,
                File = (int)pipe.ClientSafePipeHandle.DangerousGetHandle(),
                OperationFlags = Readable,
                Length = MoreThanOnce,
            });
            Assert.Equal((int)Readable, readable);
            for (int i = 0; i < 20; i++)
            {
                pipe.WriteByte(2);   // tells of itself
                Assert.Equal(0, queues.Do(new RingCalls.Submission { Opcode = NoOperation }));
            }
        }
        finally
        {
            queues.Close();
        }
    }

    [Fact]
    public async Task Operations_that_the_system_does_not_take_are_not_done_later()
    {
        TimeSpan patience = TimeSpan.FromSeconds(20);   // who waits for what was not taken waits for ever
        RingQueues queues = BareRing.Open();
        using var memory = new LockedMemory(_tree.Leaf, 4096);
        using (var ring = new IoRing(_tree.Leaf, queues))
        {
            ring.Register(memory.Memory);
            "refused, done!"u8.CopyTo(memory.Span);
            using var file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);
            for (int i = 0; i < 10; i++)
            {
                await Assert.ThrowsAsync<IOException>(() => Write(8, fileOffset: 100));
            }

            BareRing.SwitchOn(queues);
            Assert.Equal(14, await Write(14, fileOffset: 0));
            Assert.Equal(14, RandomAccess.GetLength(file));   // and nothing at 100
            Assert.Equal(9, ring.Read(file, 0, 9, fileOffset: 0));

            Task<int> Write(int bytes, long fileOffset) => Task.Run(
                () => ring.Write(file, 0, bytes, fileOffset), TestContext.Current.CancellationToken).WaitAsync(patience);
        }

        memory.Dispose();
    }

    [Fact]
    public void Buffers_that_the_system_does_not_unregister_stay_charged_until_the_ring_is_closed()
    {
        RingQueues queues = BareRing.Open();
        BareRing.AllowRegisteringOnly(queues);
        BareRing.SwitchOn(queues);
        using var memory = new LockedMemory(_tree.Leaf, Page);
        var ring = new IoRing(_tree.Leaf, queues);
        ring.Register(memory.Memory);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(BareRing.NotAllowedError, Assert.Throws<MemoryLockException>(ring.Unregister).ErrorCode);
            Assert.Equal((1, Page, Page), (ring.BufferCount, ring.PinnedBytes, KernelPins.VmPin));
            Assert.Equal(2 * Page, _tree.Leaf.Pins.CurrentBytes);
            Assert.True(PinCheck.Run().IsExact);
        }

        ring.Dispose();   // that ends them
        ring.Dispose();
        Assert.Equal((0, Page), (ring.PinnedBytes, _tree.Leaf.Pins.CurrentBytes));
        memory.Dispose();
        SpinWait.SpinUntil(() => KernelPins.VmPin == 0, TimeSpan.FromSeconds(30));   // a ring is closed some time later
    }

    [Fact]
    public void A_ring_is_let_go_of_though_its_thread_is_interrupted_while_another_registers()
    {
        var slow = new SlowMemory();
        var ring = new IoRing(_tree.Leaf);
        Exception? failure = null;
        bool wasInterrupted = false;
        var registering = new Thread(() => ring.Register(slow.Memory));
        var disposing = new Thread(() =>
        {
            failure = Record.Exception(ring.Dispose);
            wasInterrupted = Record.Exception(() => Thread.Sleep(0)) is ThreadInterruptedException;
        });
        registering.Start();
        slow.IsInside.Wait(TestContext.Current.CancellationToken);
        disposing.Start();
        SpinWait.SpinUntil(() => (disposing.ThreadState & ThreadState.WaitSleepJoin) != 0);
        disposing.Interrupt();
        SpinWait.SpinUntil(() => disposing.Join(0), millisecondsTimeout: 50);
        slow.MayGoOn.Set();
        registering.Join();
        disposing.Join();
        Assert.Null(failure);
        Assert.True(wasInterrupted);
        Assert.Equal((0, 0, 0L), (ring.BufferCount, slow.Pins, ring.PinnedBytes));
        Assert.Throws<ObjectDisposedException>(() => ring.Register(slow.Memory));
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

    /// <summary>Memory that keeps who pins it for the first time until it is told otherwise.</summary>
    private sealed unsafe class SlowMemory : MemoryManager<byte>
    {
        private readonly byte[] _array = GC.AllocateArray<byte>(100, pinned: true);

        public ManualResetEventSlim IsInside { get; } = new();

        public ManualResetEventSlim MayGoOn { get; } = new();

        public int Pins { get; private set; }

        public override Span<byte> GetSpan() => _array;

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            IsInside.Set();
            MayGoOn.Wait();
            Pins++;
            return new MemoryHandle(System.Runtime.CompilerServices.Unsafe.AsPointer(ref _array[elementIndex]), default, this);
        }

        public override void Unpin() => Pins--;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
