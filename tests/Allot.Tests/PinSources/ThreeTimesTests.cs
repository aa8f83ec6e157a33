namespace Allot.Tests.PinSources;

/// <summary>The defect that started it: three counters are compared with one limit, each by itself, and a process has
/// three times of what it may. Here no combination of sources passes a limit of 16 pages, be it that of the group or
/// that of the process.</summary>
[Collection(KernelPins.Collection)]
public sealed class ThreeTimesTests
{
    private const int LimitPages = 16;

    private static long Page => KernelPins.Page;

    // How many pages three sources hold, one page at a time in every order, until none gets another.
    public static TheoryData<string> Orders =>
        new(["lock secret ring", "ring lock secret", "secret ring lock", "lock array handle", "pool lock ring", "ring pool handle",
            "lock lock lock", "ring ring ring", "account lock ring", "device secret array", "buffer lock ring", "secret buffer lock",
            "buffer buffer buffer", "buffer pool handle"]);

    [Theory, MemberData(nameof(Orders))]
    public void No_three_sources_get_more_than_the_limit_of_their_group(string order)
    {
        KernelPins.RequireIoUring();
        var tree = new TreeOfThree(middle: new() { PinsMaxBytes = LimitPages * Page });
        Assert.Equal(LimitPages, FillUp(tree, order));
        Assert.True(tree.Middle.ReadLocalEvents().PinsMax > 0);
    }

    [Theory]
    [InlineData("lock secret ring"), InlineData("ring lock secret"), InlineData("account ring lock")]
    [InlineData("buffer lock ring"), InlineData("secret buffer lock")]
    public void No_three_sources_get_more_than_the_limit_of_the_process(string order)
    {
        KernelPins.RequireIoUring();
        Unprivileged.Require();
        int pages = 0;
        Unprivileged.Run(LimitPages, () => pages = FillUp(new TreeOfThree(), order));
        Assert.InRange(pages, LimitPages - 2, LimitPages);   // the kernel may have the ring itself count for 2
    }

    private static int FillUp(TreeOfThree tree, string order)
    {
        var held = new Stack<IDisposable>();
        string[] sources = order.Split(' ');
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
            case "buffer":
                return new GroupMemoryPool(group, new GroupBufferOptions { HeldAs = PinKind.Locked }).Rent((int)Page);
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

    private sealed class NoDevice : IMemoryDevice
    {
        public string Name => "none";

        public bool CountsInKernel => false;

        public nint Register(nint address, long bytes) => 1;

        public void Unregister(nint registration) => Assert.Equal(1, registration);
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
