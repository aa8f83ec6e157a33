namespace Allot.Tests.PinSources;

/// <summary>The defect that started it: three counters are compared with one limit, each by itself, and a process has
/// three times of what it may. Here no combination of sources passes a limit of 16 pages, be it that of the group or
/// that of the process.</summary>
[Collection(KernelPins.Collection)]
public sealed class ThreeTimesTests
{
    private const int LimitPages = 16;

    private static long Page => KernelPins.Page;

    // What the operating system locks or pins, and what only the collector leaves where it is.
    private static readonly string[] s_ofSystem = ["lock", "locker", "secret", "ring", "buffer", "account", "device"];
    private static readonly string[] s_ofCollector = ["array", "handle", "memory", "pool", "pinned buffer"];

    public static TheoryData<string> Sources => [.. s_ofSystem, .. s_ofCollector];

    public static TheoryData<string> SourcesOfSystem => [.. s_ofSystem];

    // All threes with this one, also with a source twice or three times.
    [Theory, MemberData(nameof(Sources))]
    public void No_three_sources_get_more_than_the_limit_of_their_group(string first)
    {
        KernelPins.RequireIoUring();
        foreach (string[] three in Threes(first, [.. s_ofSystem, .. s_ofCollector]))
        {
            var tree = new TreeOfThree(middle: new() { PinsMaxBytes = LimitPages * Page });
            Assert.Equal(LimitPages, FillUp(tree, three));
            Assert.True(tree.Middle.ReadLocalEvents().PinsMax > 0);
        }
    }

    [Theory, MemberData(nameof(SourcesOfSystem))]
    public void No_three_sources_get_more_than_the_limit_of_the_process(string first)
    {
        KernelPins.RequireIoUring();
        Unprivileged.Require();
        Unprivileged.Run(LimitPages, () =>
        {
            foreach (string[] three in Threes(first, s_ofSystem))
            {
                int pages = 0;
                bool hasRing = three.Contains("ring");
                if (!hasRing) pages = FillUp(new TreeOfThree(), three);

                // The kernel counts what rings need for themselves, and ends that some time after they are closed.
                else SpinWait.SpinUntil(() => (pages = FillUp(new TreeOfThree(), three)) > 0, TimeSpan.FromSeconds(20));
                Assert.InRange(pages, hasRing ? 1 : LimitPages, LimitPages);
            }
        });
    }

    private static IEnumerable<string[]> Threes(string first, string[] sources) =>
        from second in Enumerable.Range(0, sources.Length)
        from third in Enumerable.Range(second, sources.Length - second)
        select new[] { first, sources[second], sources[third] };

    private static int FillUp(TreeOfThree tree, string[] sources)
    {
        var held = new Stack<IDisposable>();
        using var buffer = new LockedPagesOfOthers();
        int failures = 0, pages = 0;
        for (int next = 0; failures < sources.Length; next++)
        {
            try
            {
                held.Push(One(sources[next % sources.Length], next % 2 == 0 ? tree.Leaf : tree.Middle, buffer));
                failures = 0;
                pages++;
                Assert.Equal(pages * Page, tree.Root.Pins.CurrentBytes);
            }
            catch (Exception refused) when (refused is MemoryLimitExceededException or MemoryLockException)
            {
                failures++;
            }
        }

        Assert.InRange(KernelPins.VmLck + KernelPins.VmPin, 0, LimitPages * Page);
        while (held.TryPop(out IDisposable? one)) one.Dispose();
        Assert.Equal(0, tree.Root.Pins.CurrentBytes);
        return pages;
    }

    // A page of a source.
    private static IDisposable One(string source, MemoryGroup group, LockedPagesOfOthers buffer)
    {
        switch (source)
        {
            case "lock":
                return new LockedMemory(group, Page);
            case "locker":
                return new LockedOnce(group);
            case "buffer":
                return new GroupMemoryPool(group, new GroupBufferOptions { HeldAs = PinKind.Locked }).Rent((int)Page);
            case "pinned buffer":
                return new GroupMemoryPool(group, new GroupBufferOptions { HeldAs = PinKind.Pinned }).Rent((int)Page);
            case "memory":
                return new PinnedMemory<byte>(group, new byte[Page]);
            case "secret":
                return new SecretBuffer(group, (int)Page);
            case "array":
                return new PinnedArray<byte>(group, (int)Page);
            case "handle":
                return PinnedHandle.Of(group, new byte[Page]);
            case "pool":
                return new RentedOnce(new PinnedBufferPool(group));
            case "account":
                var account = new PinAccount(group);
                account.Pin(Page);
                return account;
            case "device":
                return new DeviceMemory(group, new NoDevice(), buffer.Pages.Address, Page);
            default:
                var ring = new IoRing(group);
                try
                {
                    ring.Register(buffer.Memory);
                    return ring;
                }
                catch
                {
                    ring.Dispose();
                    throw;
                }
        }
    }

    private sealed class LockedOnce : IDisposable
    {
        private readonly FreshPages _pages = new(1);
        private readonly MemoryLocker _locker;

        public LockedOnce(MemoryGroup group)
        {
            _locker = new MemoryLocker(group);
            try
            {
                _locker.Lock(_pages.Address, Page);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            _locker.Dispose();
            _pages.Dispose();
        }
    }

    private sealed class RentedOnce : IDisposable
    {
        private readonly PinnedBufferPool _pool;
        private readonly IDisposable _buffer;

        public RentedOnce(PinnedBufferPool pool)
        {
            _pool = pool;
            try
            {
                _buffer = pool.Rent();
            }
            catch
            {
                pool.Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            _buffer.Dispose();
            _pool.Dispose();
        }
    }

    /// <summary>A page that the test itself has mapped, and nobody pays for.</summary>
    private sealed class LockedPagesOfOthers : IDisposable
    {
        public FreshPages Pages { get; } = new(1);

        public Memory<byte> Memory => NativeBytes.MemoryOf(new Native(Pages));

        public void Dispose() => Pages.Dispose();

        private sealed unsafe class Native(FreshPages pages) : INativeBytes
        {
            public Span<byte> Span => new((void*)pages.Address, (int)pages.Bytes);
        }
    }
}
