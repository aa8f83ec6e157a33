using System.Buffers;

namespace Allot.Tests.PinSources;

/// <summary>Everything at once. At quiet moments our figure is VmLck of the process, exactly, and at the end everything
/// reads zero.</summary>
[Collection(KernelPins.Collection)]
public sealed class PinMixTests
{
    private const int Threads = 8, Phases = 6, StepsPerPhase = 250, SharedPages = 64;

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void After_any_mix_on_8_threads_the_locked_figure_is_that_of_the_kernel(int seed) => Mix(seed);

    // The limit of the process is met as often as that of the group.
    [Theory, InlineData(1), InlineData(2)]
    public void It_is_that_of_the_kernel_also_where_the_kernel_refuses(int seed)
    {
        Unprivileged.Require();
        Unprivileged.Run(limitPages: 60, () => Mix(seed));
    }

    private static void Mix(int seed)
    {
        Assert.SkipUnless(KernelPins.VmLck == 0 && KernelPins.VmPin == 0, "Something else in the process is locked.");
        KernelPins.RequireIoUring();
        var tree = new TreeOfThree(middle: new() { PinsMaxBytes = 400 * KernelPins.Page });
        MemoryGroup other = tree.Root.CreateChild("other");
        using var pages = new FreshPages(SharedPages);
        byte[] shared = new byte[1000];
        using var pool = new PinnedBufferPool(tree.Leaf);
        GroupMemoryPool[] buffers =
        [
            .. new[] { PinKind.Locked, PinKind.Pinned }.Select(kind =>
                new GroupMemoryPool(tree.Leaf, new GroupBufferOptions { HeldAs = kind })),
        ];
        var workers = Enumerable.Range(0, Threads).Select(i => new MixWorker
        {
            Random = new Random((seed * 100) + i),
            Groups = [tree.Leaf, tree.Middle, other],
            Pages = pages,
            SharedBuffer = shared,
            Pool = pool,
            Buffers = buffers,
        }).ToArray();
        using var barrier = new Barrier(Threads, _ => AssertTrue(tree));
        var threads = workers.Select(worker => new Thread(() => worker.Run(barrier))).ToArray();
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        foreach (MixWorker worker in workers) worker.Failure?.Throw();
        pool.Dispose();
        Assert.Equal((0, 0, 0L), (KernelPins.VmLck, KernelPins.VmPin, LockedPages.OfProcess.Bytes));
        Assert.All((MemoryGroup[])[.. tree.Groups, other], group =>
        {
            Assert.Equal(0, group.Pins.CurrentBytes);
            Assert.Equal(0, group.Memory.CurrentBytes);
            Assert.Equal(default, group.ReadStat());
            Assert.Equal(0, group.ReadPinStat().Count);
            Assert.All(Enum.GetValues<PinSource>(), source => Assert.Equal(0, group.ReadPinStat().BytesOf(source)));
        });
        Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);
        Assert.Equal(0, MemoryLockLimit.OfProcess.CurrentBytes);
    }

    // While all threads wait.
    private static void AssertTrue(TreeOfThree tree)
    {
        LockedPages.OfProcess.Validate();
        Assert.Equal(KernelPins.VmLck, LockedPages.OfProcess.Bytes);
        PinStat stat = tree.Root.ReadPinStat();
        Assert.Equal(KernelPins.VmLck, stat.LockedBytes);
        Assert.Equal(KernelPins.VmPin, stat.BytesOf(PinSource.Ring));
        Assert.Equal(tree.Root.Pins.CurrentBytes, stat.LockedBytes + stat.PinnedBytes);
        Assert.Equal(tree.Root.Pins.CurrentBytes, Enum.GetValues<PinSource>().Sum(stat.BytesOf));
        Assert.Equal(tree.Root.Pins.CurrentBytes, tree.Root.FindPins().Sum(pin => pin.Bytes));
        PinCheckResult check = PinCheck.Run();
        Assert.True(check.IsExact, check.ToString());
    }

    private sealed class MixWorker
    {
        private readonly Queue<IDisposable> _held = new();

        public required Random Random { get; init; }

        public required MemoryGroup[] Groups { get; init; }

        public required FreshPages Pages { get; init; }

        public required byte[] SharedBuffer { get; init; }

        public required PinnedBufferPool Pool { get; init; }

        public required GroupMemoryPool[] Buffers { get; init; }

        public System.Runtime.ExceptionServices.ExceptionDispatchInfo? Failure { get; private set; }

        public void Run(Barrier barrier)
        {
            var worker = new PinWorker(Any());
            using var locker = new MemoryLocker(worker);
            for (int phase = 0; phase < Phases; phase++)
            {
                try
                {
                    for (int i = 0; Failure is null && i < StepsPerPhase; i++) Step(worker, locker);
                }
                catch (Exception thrown)
                {
                    Failure = System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(thrown);
                }

                try
                {
                    barrier.SignalAndWait();
                }
                catch (BarrierPostPhaseException thrown)
                {
                    Failure ??= System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(thrown.InnerException!);
                }
            }

            foreach (IDisposable one in _held) one.Dispose();
        }

        private MemoryGroup Any() => Groups[Random.Next(Groups.Length)];

        private void Step(PinWorker worker, MemoryLocker locker)
        {
            int start = Random.Next(SharedPages), length = Random.Next(1, Math.Min(12, SharedPages - start + 1));
            try
            {
                switch (Random.Next(15))
                {
                    case 0 or 1:
                        _ = locker.TryLock(
                            Pages.At(start), length * KernelPins.Page, (MemoryLockMode)Random.Next(2), out _);
                        break;
                    case 2 or 3:
                        locker.Unlock(Pages.At(start), length * KernelPins.Page);
                        break;
                    case 4:
                        worker.MoveTo(Any());
                        break;
                    case 5:
                        Keep(new LockedMemory(worker, length * KernelPins.Page));
                        break;
                    case 6:
                        Keep(new SecretBuffer(Any(), 1 + Random.Next(10_000)));
                        break;
                    case 7:
                        Keep(PinnedHandle.Of(Any(), SharedBuffer, (PinCounting)Random.Next(2)));
                        break;
                    case 8:
                        Keep(new PinnedMemory<byte>(Any(), SharedBuffer, (PinCounting)Random.Next(2)));
                        break;
                    case 9:
                        Keep(Pool.Rent(Random.Next(20_000)));
                        break;
                    case 10:
                        Keep(new PinnedArray<byte>(Any(), Random.Next(10_000)));
                        break;
                    case 11 or 12:
                        Keep(Buffers[Random.Next(Buffers.Length)].Rent(Random.Next(20_000)));
                        break;
                    case 13:
                        Keep(new DeviceMemory(Any(), new NoDevice(), Pages.At(start), length * KernelPins.Page));
                        break;
                    default:
                        RegisterForAWhile();
                        break;
                }
            }
            catch (Exception refused) when (refused is MemoryLimitExceededException or MemoryLockException)
            {
                // The limit of the middle group, or of the process; nothing has changed.
            }

            while (_held.Count > 10) _held.Dequeue().Dispose();
        }

        private void RegisterForAWhile()
        {
            if (Random.Next(8) != 0) return;   // a ring takes longer than all the rest
            var ring = new IoRing(Any());
            Keep(ring);
            using IMemoryOwner<byte> buffer = Pool.Rent(Random.Next(20_000));
            ring.Register(buffer.Memory);
        }

        private void Keep(IDisposable one) => _held.Enqueue(one);
    }
}
