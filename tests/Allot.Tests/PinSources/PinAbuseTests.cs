using System.Buffers;
using System.Runtime.CompilerServices;
using Allot.Tests.Buffers;

namespace Allot.Tests.PinSources;

/// <summary>What goes wrong around locks and pins: foreign code that throws, memory that is taken away, two that hold
/// the same, groups that end meanwhile. The accounts come out right all the same.</summary>
[Collection(KernelPins.Collection)]
public sealed class PinAbuseTests : IDisposable
{
    private readonly TreeOfThree _tree = new();

    public PinAbuseTests() =>
        Assert.SkipUnless(KernelPins.VmLck == 0, "Something else in the process is locked.");

    private static long Page => KernelPins.Page;

    public void Dispose()
    {
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal((0, 0L), (KernelPins.VmLck, LockedPages.OfProcess.Bytes));
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
        Assert.Equal(0, MemoryLockLimit.OfProcess.CurrentBytes);
        LockedPages.OfProcess.Validate();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Locked_memory_is_given_back_while_a_locker_has_it_too(bool lockerPays)
    {
        MemoryGroup other = _tree.Middle.CreateChild("other");
        var memory = new LockedMemory(_tree.Leaf, 8 * Page);
        using var locker = new MemoryLocker(other);
        if (lockerPays) memory.Unlock(0, 4 * Page);
        locker.Lock(memory.Address, 4 * Page);
        if (lockerPays) memory.Lock(0, 4 * Page);
        Assert.Equal((8 * Page, lockerPays ? 4 * Page : 0), (KernelPins.VmLck, locker.ChargedBytes));
        nint address = memory.Address;
        memory.Dispose();
        Assert.Equal((0L, 0L, 0L), (KernelPins.VmLck, LockedPages.OfProcess.Bytes, locker.ChargedBytes));
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal(0, locker.LockedBytes);
        locker.Unlock(address, 4 * Page);
    }

    [Fact]
    public void A_buffer_that_a_removed_group_has_pinned_once_is_not_pinned_again_for_nothing()
    {
        byte[] array = new byte[100];
        MemoryGroup group = _tree.Leaf.CreateChild("gone");
        using PinnedHandle first = PinnedHandle.Of(group, array, PinCounting.OncePerGroup);
        group.Remove();
        Assert.Throws<MemoryLimitExceededException>(() => PinnedHandle.Of(group, array, PinCounting.OncePerGroup));
        Assert.Equal([100, 100, 100], _tree.Pins);
    }

    [Fact]
    public void A_device_that_does_not_let_go_is_paid_for_until_it_does()
    {
        using var memory = new PinnedArray<byte>(_tree.Root, 4096);
        var device = new StubbornDevice { IsStubborn = true };
        var registered = new DeviceMemory(_tree.Leaf, device, 1 << 20, Page);
        Assert.Throws<InvalidOperationException>(registered.Dispose);
        Assert.Equal(Page, _tree.Leaf.Pins.CurrentBytes);
        device.IsStubborn = false;
        registered.Dispose();
        registered.Dispose();
        Assert.Equal(0, _tree.Leaf.Pins.CurrentBytes);
        Assert.Equal(1, device.Ended);
        memory.Dispose();
    }

    [Fact]
    public void A_device_that_throws_for_something_forgotten_does_not_end_the_process()
    {
        var device = new StubbornDevice { IsStubborn = true };
        Forget(device);
        GroupMemoryPoolTests.CollectLeaks(() => device.Refused > 0);
        Assert.Equal(Page, _tree.Leaf.Pins.CurrentBytes);   // it may be pinned still
        Assert.Single(_tree.Leaf.FindPins());
        _tree.Leaf.Unpin(PinKind.Pinned, Page);
        MemoryLockLimit.OfProcess.GiveBack(Page);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget(StubbornDevice with) => _ = new DeviceMemory(_tree.Leaf, with, 1 << 20, Page);
    }

    [Fact]
    public void What_a_device_says_of_the_kernel_is_asked_once_and_before_it_registers()
    {
        var device = new StubbornDevice { CountsInKernel = true };
        var registered = new DeviceMemory(_tree.Leaf, device, 1 << 20, Page);
        Assert.Equal(Page, KernelPinned.OfProcess.Bytes);
        device.CountsInKernel = false;
        registered.Dispose();
        Assert.Equal(0, KernelPinned.OfProcess.Bytes);
        device.ThrowsWhenAsked = true;
        Assert.Throws<InvalidOperationException>(() => new DeviceMemory(_tree.Leaf, device, 1 << 20, Page));
        Assert.Equal((1, 1), (device.Registered, device.Ended));
    }

    [Fact]
    public void A_device_that_throws_whatever_it_is_asked_does_not_end_the_process()
    {
        var device = new StubbornDevice { IsStubborn = true };
        Forget(device);
        device.ThrowsWhenAsked = true;
        GroupMemoryPoolTests.CollectLeaks(() => device.Refused > 0);
        Assert.Equal(Page, _tree.Leaf.Pins.CurrentBytes);   // it may be pinned still
        _tree.Leaf.Unpin(PinKind.Pinned, Page);
        MemoryLockLimit.OfProcess.GiveBack(Page);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget(StubbornDevice with) => _ = new DeviceMemory(_tree.Leaf, with, 1 << 20, Page);
    }

    [Fact]
    public void An_unknown_mode_is_refused_and_changes_nothing()
    {
        const MemoryLockMode Unknown = (MemoryLockMode)2;
        using var pages = new FreshPages(1);
        using var locker = new MemoryLocker(_tree.Leaf);
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(pages.Address, Page, Unknown));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.TryLock(pages.Address, Page, Unknown, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LockedMemory(_tree.Leaf, Page, Unknown));
        using var memory = new LockedMemory(_tree.Leaf, Page);
        memory.Unlock(0, Page);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Lock(0, Page, Unknown));
        Assert.Equal([0, 0, 0], _tree.Pins);
        memory.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    // The kernel marks them as locked before it finds that it cannot bring them in.
    [Fact]
    public void Pages_that_nobody_may_touch_are_not_locked_and_not_charged()
    {
        PageRange range = NativeRegion.Map(4 * Page);
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock((nint)range.Start, Page);
        Assert.Throws<MemoryLockException>(() => locker.Lock((nint)range.End - (nint)Page, 2 * Page));   // and the guard
        Assert.Throws<MemoryLockException>(() => locker.Lock((nint)range.Start - (nint)Page, 3 * Page));
        Assert.Equal((Page, Page, Page), (KernelPins.VmLck, locker.LockedBytes, locker.ChargedBytes));
        locker.Dispose();
        NativeRegion.Unmap(range);
    }

    [Fact]
    public void Nothing_at_all_can_be_locked_and_pinned_and_costs_nothing()
    {
        _tree.Leaf.Pins.MaxBytes = 0;
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(1, 0);
        locker.Unlock(1, 0);
        using var first = new PinnedArray<byte>(_tree.Leaf, 0);
        using var second = new PinnedArray<long>(_tree.Leaf, 0, isZeroed: false);
        using PinnedHandle array = PinnedHandle.Of(_tree.Leaf, Array.Empty<int>());
        using PinnedHandle text = PinnedHandle.Of(_tree.Leaf, "", PinCounting.OncePerGroup);
        using var memory = new PinnedMemory<char>(_tree.Leaf, default, PinCounting.OncePerGroup);
        using var account = new PinAccount(_tree.Leaf);
        account.Pin(0);
        account.Unpin(0);
        Assert.Equal((0, 0), (_tree.Leaf.Pins.CurrentBytes, _tree.Leaf.ReadPinStat().Count));
        Assert.Equal(0, _tree.Root.ReadEvents().PinsMax);
    }

    [Fact]
    public void Amounts_that_no_account_can_hold_are_refused_before_anything_is_asked_of_anybody()
    {
        using var account = new PinAccount(_tree.Leaf, new() { LockLimit = null });
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Pin(long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Pin(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Unpin(-1));
        account.Pin(MemoryGroup.MaxChargeBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => account.Pin(1));
        account.Unpin(MemoryGroup.MaxChargeBytes);
        Assert.Throws<OutOfMemoryException>(() => new PinnedArray<Large>(_tree.Leaf, int.MaxValue));
        Assert.Throws<OutOfMemoryException>(() => new PinnedArray<Large>(_tree.Leaf, int.MaxValue / 2));
        using var pool = new PinnedBufferPool(_tree.Leaf);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(-2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PinnedBufferPool(_tree.Leaf, new() { IdleBytesMax = -1 }));
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void What_cannot_be_made_because_an_argument_is_missing_leaves_nothing_to_finalize()
    {
        byte[] array = new byte[1];
        Assert.Throws<ArgumentNullException>(() => new PinAccount((MemoryGroup)null!));
        Assert.Throws<ArgumentNullException>(() => new PinAccount((PinWorker)null!));
        Assert.Throws<ArgumentNullException>(() => new PinWorker(null!));
        Assert.Throws<ArgumentNullException>(() => new MemoryLocker((MemoryGroup)null!));
        Assert.Throws<ArgumentNullException>(() => new LockedMemory((PinWorker)null!, 1));
        Assert.Throws<ArgumentNullException>(() => new SecretBuffer((MemoryGroup)null!, 1));
        Assert.Throws<ArgumentNullException>(() => new PinnedArray<byte>(null!, 1));
        Assert.Throws<ArgumentNullException>(() => PinnedHandle.Of(null!, array));
        Assert.Throws<ArgumentNullException>(() => PinnedHandle.Of(_tree.Leaf, (byte[])null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => PinnedHandle.Of(_tree.Leaf, array, (PinCounting)7));
        Assert.Throws<ArgumentNullException>(() => new PinnedMemory<byte>(null!, array));
        Assert.Throws<ArgumentNullException>(() => new PinnedBufferPool(null!));
        Assert.Throws<ArgumentNullException>(() => new IoRing(null!));
        Assert.Throws<ArgumentNullException>(() => new DeviceMemory(_tree.Leaf, null!, 0, 1));
        Assert.Throws<ArgumentNullException>(() => new DeviceMemory(null!, new StubbornDevice(), 0, 1));
        MemoryGroup gone = _tree.Leaf.CreateChild("gone");
        gone.Remove();
        Assert.Throws<InvalidOperationException>(() => new PinnedBufferPool(gone));
        Assert.Throws<MemoryLimitExceededException>(() => new LockedMemory(gone, 1));
        Assert.Throws<MemoryLimitExceededException>(() => new SecretBuffer(gone, 1));
        Assert.Throws<MemoryLimitExceededException>(() => new PinnedArray<byte>(gone, 1));
        Assert.Throws<MemoryLimitExceededException>(() => PinnedHandle.Of(gone, array));
        Assert.Throws<MemoryLimitExceededException>(() => new DeviceMemory(gone, new StubbornDevice(), 0, 1));
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal((0, 0), (_tree.Root.ReadEvents().PinsLeaked, _tree.Root.ReadEvents().AccountingErrors));
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    // Foreign code is called while a ring registers and unregisters: it may use the ring.
    [Theory, InlineData(true), InlineData(false)]
    public void A_ring_can_be_disposed_by_the_buffer_that_it_registers(bool whenPinned)
    {
        KernelPins.RequireIoUring();
        using var pages = new FreshPages(1);
        var ring = new IoRing(_tree.Leaf);
        using var memory = new OwnMemory(pages.At(0)) { Throws = false };
        if (whenPinned) memory.OnPin = ring.Dispose;
        else memory.OnUnpin = ring.Dispose;
        if (whenPinned)
        {
            Assert.Throws<ObjectDisposedException>(() => ring.Register(memory.Memory));
        }
        else
        {
            ring.Register(memory.Memory);
            ring.Unregister();
        }

        Assert.Equal((0, 0, 0L), (memory.Pins, ring.BufferCount, ring.PinnedBytes));
        Assert.Equal((0, 0), (KernelPins.VmPin, _tree.Leaf.Pins.CurrentBytes));
        Assert.Throws<ObjectDisposedException>(() => ring.Register(memory.Memory));
    }

    [Fact]
    public void A_ring_lets_go_of_all_buffers_also_where_one_throws()
    {
        KernelPins.RequireIoUring();
        using var pages = new FreshPages(2);
        using var good = new OwnMemory(pages.At(0)) { Throws = false };
        using var bad = new OwnMemory(pages.At(1)) { Throws = true };
        using var ring = new IoRing(_tree.Leaf);
        ring.Register(bad.Memory, good.Memory);
        Assert.Equal((2 * Page, 2 * Page), (KernelPins.VmPin, _tree.Leaf.Pins.CurrentBytes));
        Assert.Throws<InvalidOperationException>(ring.Unregister);
        Assert.Equal((0, 0), (KernelPins.VmPin, _tree.Leaf.Pins.CurrentBytes));
        Assert.Equal((0, 0, 0), (good.Pins, bad.Pins, ring.BufferCount));
        ring.Register(good.Memory);
        ring.Dispose();
        Assert.True(PinCheck.Run().IsExact);
    }

    [Fact]
    public void Access_to_a_secret_can_change_while_it_is_disposed()
    {
        for (int i = 0; i < 300; i++)
        {
            using var barrier = new Barrier(3);
            var secret = new SecretBuffer(_tree.Leaf, 100_000);
            Thread[] threads =
            [
                new(() => Change(secret.DenyAccess, barrier)),
                new(() => Change(secret.AllowReading, barrier)),
                new(() => Change(secret.Dispose, barrier)),
            ];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
        }

        static void Change(Action action, Barrier barrier)
        {
            barrier.SignalAndWait();
            try
            {
                for (int i = 0; i < 5; i++) action();
            }
            catch (ObjectDisposedException)
            {
                // As it should be.
            }
        }
    }

    [Fact]
    public void A_limit_that_is_lowered_below_what_is_locked_refuses_more_and_lets_go()
    {
        Unprivileged.Require();
        using var pages = new FreshPages(32);
        Unprivileged.Run(16, () =>
        {
            using var locker = new MemoryLocker(_tree.Leaf);
            locker.Lock(pages.Address, 12 * Page);
            Unprivileged.SetLimit(4);

            // The account has the limit that it was created with; the kernel has the new one.
            Assert.Throws<MemoryLockException>(() => locker.Lock(pages.At(12), Page));
            locker.Unlock(pages.At(2), 2 * Page);
            Assert.Throws<MemoryLockException>(() => locker.Lock(pages.At(2), Page));
            Assert.Throws<MemoryLockException>(() => locker.Lock(pages.At(0), 2 * Page));   // even what is locked
            Assert.Equal((10 * Page, 10 * Page), (KernelPins.VmLck, locker.ChargedBytes));
            using var later = new MemoryLocker(_tree.Leaf);
            Assert.False(later.TryLock(pages.At(20), Page, MemoryLockMode.Now, out ChargeRefusal refusal));
            Assert.Equal(RefusalReason.LockLimitReached, refusal.Reason);
        });
    }

    [Fact]
    public void Memory_that_was_mapped_anew_under_a_lock_is_found_and_can_be_locked_again_or_unlocked()
    {
        using var pages = new FreshPages(8);
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(pages.Address, 8 * Page);
        Assert.Equal(0, KernelCalls.MapAt(pages.At(2), 2 * Page));
        PinCheckResult check = PinCheck.Run();
        Assert.Equal(-2 * Page, check.LockedDriftBytes);
        Assert.Contains("locked no longer", Assert.Single(check.Causes));
        locker.Lock(pages.At(2), 2 * Page);
        Assert.True(PinCheck.Run().IsExact);
        Assert.Equal(0, KernelCalls.MapAt(pages.At(4), Page));
        locker.Unlock(pages.At(3), 3 * Page);
        Assert.True(PinCheck.Run().IsExact);
        Assert.Equal(5 * Page, locker.ChargedBytes);
    }

    [Fact]
    public void Amounts_and_addresses_at_the_ends_of_what_there_is_are_refused_whole()
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(-(nint)Page, Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(-1, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(0, long.MinValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(0, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => locker.Lock(1, MemoryGroup.MaxChargeBytes));
        Assert.Throws<MemoryLockException>(() => locker.Lock(0, MemoryGroup.MaxChargeBytes));
        Assert.Throws<MemoryLockException>(() => locker.Lock(nint.MaxValue, 2));
        locker.Unlock(0, long.MaxValue);
        locker.Unlock(-2 * (nint)Page, Page);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LockedMemory(_tree.Leaf, long.MaxValue));
        Assert.Throws<InsufficientMemoryException>(() => new LockedMemory(_tree.Leaf, MemoryGroup.MaxChargeBytes));
        var device = new StubbornDevice();
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceMemory(_tree.Leaf, device, -1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceMemory(_tree.Leaf, device, 0, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceMemory(_tree.Leaf, device, 0, 0));
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void What_was_forgotten_in_a_removed_group_returns_to_its_heir()
    {
        MemoryGroup group = _tree.Leaf.CreateChild("gone");
        using var pages = new FreshPages(4);
        Forget();
        group.Remove();
        Assert.Equal(_tree.Leaf.Pins.CurrentBytes, _tree.Root.Pins.CurrentBytes);
        GroupMemoryPoolTests.CollectLeaks(() => _tree.Root.Pins.CurrentBytes == 0);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget()
        {
            new MemoryLocker(group).Lock(pages.Address, 4 * Page);
            _ = new LockedMemory(group, 4 * Page);
            _ = new SecretBuffer(group, 100);
            _ = PinnedHandle.Of(group, new byte[100], PinCounting.OncePerGroup);
            _ = new PinnedMemory<byte>(group, new byte[100]);
            _ = new PinnedMemory<byte>(group, default, PinCounting.OncePerGroup);
            _ = new PinnedArray<byte>(group, 100);
            _ = new GroupMemoryPool(group, new GroupBufferOptions { HeldAs = PinKind.Locked }).Rent(100);
        }
    }

    // Workers go to and fro between groups that end, while others unlock parts and dispose what they lock.
    [Theory, InlineData(1), InlineData(2)]
    public void Moves_removals_unlocks_and_disposals_on_8_threads_come_out_even(int seed)
    {
        const int Threads = 8, Rounds = 60;
        MemoryGroup[] groups = [.. Enumerable.Range(0, 4).Select(i => _tree.Leaf.CreateChild($"g{i}"))];
        PinWorker[] workers = [.. groups.Select(group => new PinWorker(group))];
        using var pages = new FreshPages(32);
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, thread =>
        {
            var random = new Random((seed * 100) + thread);
            for (int round = 0; round < Rounds; round++)
            {
                PinWorker worker = workers[random.Next(workers.Length)];
                using var locker = new MemoryLocker(worker);
                LockedMemory? memory = null;
                for (int i = 0; i < 20; i++)
                {
                    int start = random.Next(32), length = random.Next(1, 33 - start);
                    try
                    {
                        switch (random.Next(7))
                        {
                            case 0 or 1:
                                locker.Lock(pages.At(start), length * Page);
                                break;
                            case 2:
                                locker.Unlock(pages.At(start), length * Page);
                                break;
                            case 3:
                                worker.MoveTo(Volatile.Read(ref groups[random.Next(groups.Length)]));
                                break;
                            case 4:
                                memory?.Dispose();
                                memory = null;
                                memory = new LockedMemory(worker, 8 * Page);
                                locker.Lock(memory.Address, 8 * Page);
                                break;
                            case 5:
                                memory?.Unlock(random.Next(4) * Page, Page);
                                break;
                            default:
                                int which = random.Next(groups.Length);
                                MemoryGroup next = _tree.Leaf.CreateChild($"g{thread}.{round}.{i}");
                                Interlocked.Exchange(ref groups[which], next).Remove();
                                break;
                        }
                    }
                    catch (MemoryLimitExceededException)
                    {
                        // The group has ended.
                    }
                }

                memory?.Dispose();
            }
        });
        Assert.Equal([0, 0, 0], _tree.Memory.Select(static bytes => bytes > 100_000 ? bytes : 0));
        Assert.True(PinCheck.Run().IsExact, PinCheck.Run().ToString());
    }

    [InlineArray(1 << 10)]
    private struct Large
    {
        public long Element;
    }

    /// <summary>A device that may refuse to let go.</summary>
    private sealed class StubbornDevice : IMemoryDevice
    {
        public bool IsStubborn { get; set; }

        public int Ended { get; private set; }

        public int Refused { get; private set; }

        public string Name => ThrowsWhenAsked ? throw new InvalidOperationException("No.") : "stubborn";

        public bool ThrowsWhenAsked { get; set; }

        public int Registered { get; private set; }

        public bool CountsInKernel
        {
            get => ThrowsWhenAsked ? throw new InvalidOperationException("No.") : field;
            set;
        }

        public nint Register(nint address, long bytes) => ++Registered;

        public void Unregister(nint registration)
        {
            if (IsStubborn)
            {
                Refused++;
                throw new InvalidOperationException("No.");
            }

            Ended++;
        }
    }

    /// <summary>Memory of a test that counts its pins, and may throw when one ends.</summary>
    private sealed unsafe class OwnMemory(nint address) : MemoryManager<byte>
    {
        public required bool Throws { get; init; }

        public int Pins { get; private set; }

        public Action OnPin { get; set; } = static () => { };

        public Action OnUnpin { get; set; } = static () => { };

        public override Span<byte> GetSpan() => new((void*)address, Environment.SystemPageSize);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            OnPin();
            return new MemoryHandle((byte*)address + elementIndex, default, this);
        }

        public override void Unpin()
        {
            Pins--;
            OnUnpin();
            if (Throws) throw new InvalidOperationException("No.");
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
