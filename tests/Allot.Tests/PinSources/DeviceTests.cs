namespace Allot.Tests.PinSources;

/// <summary>Registering with a device: what there is of the machine's own, and the whole way with a library that stands
/// for those of RDMA and of a GPU.</summary>
[Collection(KernelPins.Collection)]
public sealed unsafe class DeviceTests
{
    private readonly TreeOfThree _tree = new();

    private static long Page => KernelPins.Page;

    [Fact]
    public void Where_there_is_no_device_the_error_says_what_is_missing()
    {
        Assert.SkipUnless(RdmaDevice.Names.Count == 0, "This machine has an RDMA device.");
        string rdma = Assert.Throws<PlatformNotSupportedException>(() => RdmaDevice.Open()).Message;
        Assert.Contains(RdmaDevice.IsSupported ? "no RDMA device" : "libibverbs.so.1", rdma, StringComparison.Ordinal);
        Assert.SkipUnless(!CudaDevice.IsSupported, "This machine has a CUDA driver.");
        string cuda = Assert.Throws<PlatformNotSupportedException>(() => CudaDevice.Open()).Message;
        Assert.Contains(Cuda.LibraryName, cuda, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_is_something_else_is_none()
    {
        Assert.Null(Verbs.TryLoad("libm.so.6"));
        Assert.Null(Cuda.TryLoad("libm.so.6"));
        Assert.Null(Verbs.TryLoad("no such library"));
    }

    [Fact]
    public void Memory_is_registered_with_an_rdma_device_and_paid_for()
    {
        using var fake = new FakeLibrary();
        Verbs verbs = Verbs.TryLoad(fake.Path)!;
        Assert.Contains("'fake0' cannot", Assert.Throws<PlatformNotSupportedException>(() => RdmaDevice.Open(verbs, "fake0")).Message);
        Assert.Contains("it has 'fake0', 'fake1'", Assert.Throws<PlatformNotSupportedException>(() => RdmaDevice.Open(verbs, "x")).Message);
        using (RdmaDevice device = RdmaDevice.Open(verbs, "fake1"))
        {
            Assert.Equal("fake1", device.Name);
            Use(device, fake, kernelCounts: true);
        }

        Assert.Equal(0, fake.OpenThings);
    }

    [Fact]
    public void Memory_is_registered_with_a_gpu_and_paid_for()
    {
        using var fake = new FakeLibrary();
        Cuda cuda = Cuda.TryLoad(fake.Path)!;
        Assert.Contains("error 101", Assert.Throws<PlatformNotSupportedException>(() => CudaDevice.Open(cuda, 1)).Message);
        using (CudaDevice device = CudaDevice.Open(cuda, 0))
        {
            Assert.Equal("fake GPU", device.Name);
            Use(device, fake, kernelCounts: false);
        }

        Assert.Equal(0, fake.OpenThings);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_device_does_not_end_stays_charged_and_the_device_open_for_it(bool isGpu)
    {
        using var fake = new FakeLibrary();
        using var pages = new FreshPages(1);
        IMemoryDevice device = isGpu
            ? CudaDevice.Open(Cuda.TryLoad(fake.Path)!, 0)
            : RdmaDevice.Open(Verbs.TryLoad(fake.Path)!, "fake1");
        int whileOpen = fake.OpenThings;
        var memory = new DeviceMemory(_tree.Leaf, device, pages.Address, Page);
        ((IDisposable)device).Dispose();
        Assert.Throws<ObjectDisposedException>(() => new DeviceMemory(_tree.Leaf, device, pages.Address, Page));
        fake.Refuse(1);
        Assert.NotEqual(0, Assert.Throws<MemoryLockException>(memory.Dispose).ErrorCode);
        Assert.Equal((whileOpen, Page, Page), (fake.OpenThings, fake.RegisteredBytes, _tree.Root.Pins.CurrentBytes));
        memory.Dispose();
        Assert.Equal((0, 0, 0), (fake.OpenThings, fake.RegisteredBytes, _tree.Root.Pins.CurrentBytes));
    }

    private void Use(IMemoryDevice device, FakeLibrary fake, bool kernelCounts)
    {
        using var pages = new FreshPages(300);
        long before = KernelPinned.OfProcess.Bytes;
        using (var memory = new DeviceMemory(_tree.Leaf, device, pages.Address + 100, 3 * Page))
        {
            Assert.Equal((4 * Page, 4 * Page), (memory.PinnedBytes, _tree.Root.Pins.CurrentBytes));
            Assert.Equal(4 * Page, _tree.Leaf.ReadPinStat().BytesOf(PinSource.Device));
            Assert.Equal(3 * Page, fake.RegisteredBytes);
            Assert.Equal(kernelCounts ? 4 * Page : 0, KernelPinned.OfProcess.Bytes - before);
            Assert.NotEqual(0, memory.Registration);
        }

        Assert.Equal((0, 0, before), (fake.RegisteredBytes, _tree.Root.Pins.CurrentBytes, KernelPinned.OfProcess.Bytes));

        // More than the device takes; more than the group may; nothing.
        Assert.Throws<MemoryLockException>(() => new DeviceMemory(_tree.Leaf, device, pages.Address, pages.Bytes));
        Assert.Equal([0, 0, 0], _tree.Pins);
        _tree.Middle.Pins.MaxBytes = Page;
        Assert.Throws<MemoryLimitExceededException>(() => new DeviceMemory(_tree.Leaf, device, pages.Address, 2 * Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceMemory(_tree.Leaf, device, pages.Address, 0));
        Assert.Equal(0, fake.RegisteredBytes);
        _tree.Middle.Pins.MaxBytes = MemoryGroup.Unlimited;
    }

    /// <summary>The library, compiled anew: it has state of its own.</summary>
    private sealed class FakeLibrary : IDisposable
    {
        private readonly CompiledLibrary _library = new("devices.c");

        public string Path => _library.Path;

        public int OpenThings => ((delegate* unmanaged<int>)_library.Export("fake_open_things"))();

        public long RegisteredBytes =>
            (long)((delegate* unmanaged<nuint>)_library.Export("fake_registered_bytes"))();

        /// <summary>Some registrations are not ended when they should be.</summary>
        public void Refuse(int times) => ((delegate* unmanaged<int, void>)_library.Export("fake_refuse"))(times);

        public void Dispose() => _library.Dispose();
    }
}
