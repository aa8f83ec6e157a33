using System.Net;
using System.Net.Sockets;

namespace Allot.Tests.PinSources;

/// <summary>The rows about the kernel, R01 to R19, that a process can do to itself: what the bare call does, and that the
/// same through Allot has the same end. The limit is 16 pages unless the row says otherwise.</summary>
[Collection(KernelPins.Collection)]
public sealed unsafe class KernelRowTests : IDisposable
{
    private const long Limit = 16;

    private readonly TreeOfThree _tree = new();
    private readonly FreshPages _pages = new(128);

    public KernelRowTests()
    {
        Unprivileged.Require();
        Assert.SkipUnless(KernelPins.VmLck == 0, "Something else in the process is locked.");
    }

    private static long Page => KernelPins.Page;

    public void Dispose()
    {
        _pages.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal((0, 0), (KernelPins.VmLck, KernelPins.VmPin));
    }

    [Fact]
    public void R01_what_is_locked_again_is_free() => Unprivileged.Run(Limit, () =>
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        for (int i = 0; i < 2; i++)
        {
            locker.Lock(_pages.Address, 16 * Page);
            Assert.Equal((16 * Page, 16 * Page), (KernelPins.VmLck, locker.ChargedBytes));
            Assert.Equal(0, KernelCalls.Lock(_pages.Address, 16 * Page));
        }
    });

    [Fact]
    public void R02_a_page_too_many_is_refused_and_changes_nothing() => Unprivileged.Run(Limit, () =>
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        AssertTooMuch(locker, 0, 17);
        Assert.Equal(0, KernelPins.VmLck);
        locker.Lock(_pages.Address, 16 * Page);
        AssertTooMuch(locker, 16, 1);
        Assert.Equal(16 * Page, KernelPins.VmLck);
    });

    [Fact]
    public void R03_what_is_not_mapped_and_unknown_flags_are_errors()
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        _pages.Unmap(page: 4, pages: 1);
        Assert.Equal(
            KernelCalls.NoMemoryError,
            Assert.Throws<MemoryLockException>(() => locker.Lock(_pages.At(4), Page)).ErrorCode);
        Assert.Equal(KernelCalls.NoMemoryError, KernelCalls.Lock(_pages.At(4), Page));
        Assert.Equal(KernelCalls.InvalidError, KernelCalls.Lock(_pages.At(0), Page, flags: 2));
    }

    [Fact]
    public void R04_on_fault_the_whole_range_counts_though_it_is_untouched()
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(_pages.Address, 8 * Page, MemoryLockMode.OnFault);
        Assert.Equal((8 * Page, 8 * Page), (KernelPins.VmLck, locker.ChargedBytes));
    }

    [Fact]
    public void R05_mappings_that_are_born_locked_are_found_by_the_check() => Unprivileged.Run(Limit, () =>
    {
        Assert.Equal(KernelCalls.TryAgainError, KernelCalls.Map(17 * Page, KernelCalls.Private | KernelCalls.Locked, out _));
        Assert.Equal(0, KernelCalls.Map(16 * Page, KernelCalls.Private | KernelCalls.Locked, out nint address));
        Assert.Equal(16 * Page, PinCheck.Run().LockedDriftBytes);
        Assert.Equal(0, KernelCalls.Unmap(address, 16 * Page));
    });

    [Fact]
    public void R06_growth_of_what_is_locked_is_refused_by_the_kernel_and_found_by_the_check() =>
        Unprivileged.Run(Limit, () =>
        {
            using var locker = new MemoryLocker(_tree.Leaf);
            Assert.Equal(0, KernelCalls.Map(16 * Page, KernelCalls.Private, out nint address));
            locker.Lock(address, 8 * Page);
            Assert.Equal(KernelCalls.TryAgainError, KernelCalls.Grow(address, 8 * Page, 32 * Page, out _));
            Assert.True(PinCheck.Run().IsExact);
            locker.Unlock(address, 8 * Page);
            Assert.Equal(0, KernelCalls.Unmap(address, 16 * Page));
        });

    [Fact]
    public void R07_all_of_a_process_does_not_fit_and_on_fault_alone_is_an_error() => Unprivileged.Run(Limit, () =>
    {
        Assert.Equal(KernelCalls.NoMemoryError, KernelCalls.LockAll(KernelCalls.LockCurrent));
        Assert.Equal(KernelCalls.InvalidError, KernelCalls.LockAll(KernelCalls.LockOnFault));
        Assert.True(PinCheck.Run().IsExact);
    });

    [Fact]
    public void R07_what_is_mapped_after_the_future_was_locked_is_locked_and_refused_beyond_the_limit()
    {
        using var child = new ForkedChild();   // it would be true of all that this process maps from then on
        Unprivileged.Run(Limit, () =>
        {
            ForkedChild.Future future = child.LockFuture(17 * Page, 16 * Page);
            Assert.Equal((0, KernelCalls.TryAgainError, 0), (future.LockError, future.TooLargeError, future.FitsError));
            Assert.Equal(16 * Page, future.LockedBytes);
            Assert.True(PinCheck.Run().IsExact);
        });
    }

    [Fact]
    public void R08_what_may_be_dropped_cannot_be_born_locked() => Assert.Equal(
        KernelCalls.InvalidError, KernelCalls.Map(Page, KernelCalls.Droppable | KernelCalls.Locked, out _));

    [Fact]
    public void R09_a_limit_of_0_refuses_all_and_the_message_says_what_it_is() => Unprivileged.Run(0, () =>
    {
        Assert.Equal(KernelCalls.PermissionError, KernelCalls.Lock(_pages.Address, Page));
        Assert.Equal(KernelCalls.PermissionError, KernelCalls.LockAll(KernelCalls.LockCurrent));
        Assert.Equal(
            KernelCalls.PermissionError, KernelCalls.Map(Page, KernelCalls.Private | KernelCalls.Locked, out _));
        Assert.Equal(0, KernelCalls.Unlock(_pages.Address, Page));
        int segment = KernelCalls.MakeSegment(Page);
        try
        {
            Assert.Equal(
                KernelCalls.PermissionError, KernelCalls.ControlSegment(segment, KernelCalls.LockSegmentCommand));
        }
        finally
        {
            _ = KernelCalls.ControlSegment(segment, KernelCalls.RemoveSegmentCommand);
        }

        using var locker = new MemoryLocker(_tree.Leaf);
        AssertTooMuch(locker, 0, 1);

        // Where Allot has not seen the limit, the kernel says it, as a shortage and not as a lack of permission.
        string message = MemoryLockException.OfLock(PageRange.Of(_pages.Address, 1), KernelCalls.PermissionError, 0).Message;
        Assert.Contains("RLIMIT_MEMLOCK", message, StringComparison.Ordinal);
    });

    [Fact]
    public void R10_a_locked_segment_has_a_limit_of_its_own_in_the_kernel() => Unprivileged.RunAsUser(Limit, () =>
    {
        int large = KernelCalls.MakeSegment(17 * Page), fits = KernelCalls.MakeSegment(16 * Page);
        try
        {
            Assert.Equal(
                KernelCalls.NoMemoryError, KernelCalls.ControlSegment(large, KernelCalls.LockSegmentCommand));
            Assert.Equal(0, KernelCalls.ControlSegment(fits, KernelCalls.LockSegmentCommand));
            using var locker = new MemoryLocker(_tree.Leaf);
            locker.Lock(_pages.Address, 16 * Page);
            Assert.Equal(16 * Page, KernelPins.VmLck);
        }
        finally
        {
            _ = KernelCalls.ControlSegment(large, KernelCalls.RemoveSegmentCommand);
            _ = KernelCalls.ControlSegment(fits, KernelCalls.RemoveSegmentCommand);
        }
    });

    [Fact]
    public void R11_a_child_has_none_of_the_locks_and_pays_for_its_own()
    {
        using var child = new ForkedChild();
        Unprivileged.Run(Limit, () =>
        {
            using var locker = new MemoryLocker(_tree.Leaf);
            locker.Lock(_pages.Address, 16 * Page);
            ForkedChild.Found found = child.Look(_pages.Address, 16 * Page);
            Assert.Equal((0, 0, 16 * Page), (found.LockedBytes, found.LockError, found.LockedAgainBytes));
            Assert.Equal((16 * Page, 16 * Page), (KernelPins.VmLck, locker.ChargedBytes));
            Assert.True(PinCheck.Run().IsExact);
        });
    }

    [Fact]
    public void R12_unmapping_unlocks_what_is_locked_and_not_what_is_registered()
    {
        KernelPins.RequireIoUring();
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(_pages.Address, 16 * Page);
        _pages.Unmap(0, 16);
        Assert.Equal((0, -16 * Page), (KernelPins.VmLck, PinCheck.Run().LockedDriftBytes));
        locker.Dispose();
        using var ring = new IoRing(_tree.Leaf);
        using (var memory = new LockedMemory(_tree.Leaf, 16 * Page)) ring.Register(memory.Memory);
        Assert.Equal((0, 16 * Page), (KernelPins.VmLck, KernelPins.VmPin));
        Assert.True(PinCheck.Run().IsExact);
        ring.Dispose();
    }

    [Fact]
    public void R13_a_ring_of_an_ordinary_user_has_its_own_pages_within_the_limit()
    {
        KernelPins.RequireIoUring();
        using var memory = new PinnedArray<byte>(_tree.Leaf, (int)(18 * Page));
        Memory<byte> aligned = Aligned(memory.Memory);
        Unprivileged.RunAsUser(Limit, () =>
        {
            using var ring = new IoRing(_tree.Leaf);
            ring.Register(aligned[..(int)(14 * Page)]);
            Assert.Equal(14 * Page, ring.PinnedBytes);
            ring.Unregister();

            // Allot would let 16 pages pass; the kernel has charged the user 2 for the ring itself.
            var refused = Assert.Throws<MemoryLockException>(() => ring.Register(aligned[..(int)(15 * Page)]));
            Assert.Equal(KernelCalls.NoMemoryError, refused.ErrorCode);
            Assert.Throws<MemoryLimitExceededException>(() => ring.Register(aligned[..(int)(17 * Page)]));
            Assert.Equal(0, ring.PinnedBytes);
        });
        memory.Dispose();
    }

    [Fact]
    public void R14_a_ring_of_the_privileged_passes_the_limit_of_the_process_and_not_that_of_the_group()
    {
        KernelPins.RequireIoUring();
        using var memory = new LockedMemory(_tree.Root, 100 * Page);
        using var ring = new IoRing(_tree.Leaf);
        _tree.Leaf.Pins.MaxBytes = 16 * Page;
        ring.Register(memory.Memory[..(int)(16 * Page)]);
        Assert.Equal(16 * Page, KernelPins.VmPin);
        ring.Unregister();
        Assert.Throws<MemoryLimitExceededException>(() => ring.Register(memory.Memory[..(int)(17 * Page)]));
        Assert.Equal(0, KernelPins.VmPin);
        ring.Dispose();
        memory.Dispose();
    }

    [Fact]
    public void R15_the_kernel_gives_perf_pages_besides_the_limit_until_those_are_used_up()
    {
        const int Shared = 1, Pages = 257;
        long kibibytes = long.Parse(
            File.ReadAllText("/proc/sys/kernel/perf_event_mlock_kb"), System.Globalization.CultureInfo.InvariantCulture);
        long allowance = kibibytes * 1024 / Page * Environment.ProcessorCount;
        Assert.SkipUnless(allowance is >= Pages and < (2 * Pages) - Limit, "Perf may have less here, or more.");
        Unprivileged.RunAsUser(Limit, () =>
        {
            int first = KernelCalls.OpenPerf(), second = KernelCalls.OpenPerf();
            Assert.SkipUnless(first >= 0 && second >= 0, "Perf is not allowed here.");
            nint address = MapWithinTheAllowance(first);
            int refused = KernelCalls.Map(Pages * Page, Shared, out _, second);
            bool isExact = PinCheck.Run().IsExact;   // the kernel shows nothing of it
            Assert.Equal(0, KernelCalls.Unmap(address, Pages * Page));
            Assert.Equal((0, 0), (KernelCalls.CloseFile(first), KernelCalls.CloseFile(second)));
            Assert.Equal((KernelCalls.PermissionError, true), (refused, isExact));

            // Who says so to an account has one limit, and no allowance.
            using var account = new PinAccount(_tree.Leaf);
            Assert.False(account.TryPin(Pages * Page, out ChargeRefusal refusal));
            Assert.Equal(RefusalReason.LockLimitReached, refusal.Reason);
        });

        // What a ring of this user has had pinned uses the allowance up until the kernel has ended it, some time later.
        static nint MapWithinTheAllowance(int file)
        {
            for (int attempt = 0; ; attempt++)
            {
                Assert.Equal(0, KernelCalls.Map(Pages * Page, Shared, out nint address, file));
                if (attempt == 500 || PinCheck.Run().IsExact) return address;
                Assert.Equal(0, KernelCalls.Unmap(address, Pages * Page));
                Thread.Sleep(10);
            }
        }
    }

    [Fact]
    public void R16_a_send_without_a_copy_that_is_too_large_is_refused_and_a_small_one_is_not() =>
        Unprivileged.RunAsUser(Limit, () =>
        {
            const int SocketLevel = 1, ZeroCopyOption = 60;
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sender.Connect(listener.LocalEndPoint!);
            using Socket receiver = listener.Accept();
            sender.SetRawSocketOption(SocketLevel, ZeroCopyOption, BitConverter.GetBytes(1));
            var content = new Span<byte>((void*)_pages.Address, (int)(64 * Page));
            Assert.Equal(KernelCalls.NoBufferError, KernelCalls.SendZeroCopy(sender.Handle, content));
            Assert.Equal(0, KernelCalls.SendZeroCopy(sender.Handle, content[..(int)(8 * Page)]));
            Assert.True(PinCheck.Run().IsExact);   // the kernel shows nothing of it
            using var account = new PinAccount(_tree.Leaf);
            Assert.False(account.TryPin(64 * Page, out ChargeRefusal refusal));
            Assert.Equal(RefusalReason.LockLimitReached, refusal.Reason);
            account.Pin(8 * Page);
        });

    [Fact]
    public void R17_secret_memory_of_the_kernel_is_found_by_the_check() => Unprivileged.Run(Limit, () =>
    {
        const int Shared = 1;
        int file = KernelCalls.SecretFile(64 * Page);
        Assert.SkipUnless(file >= 0, "The kernel has no memfd_secret, or it is switched off.");
        try
        {
            Assert.Equal(KernelCalls.TryAgainError, KernelCalls.Map(64 * Page, Shared, out _, file));
            Assert.Equal(0, KernelCalls.Map(16 * Page, Shared, out nint address, file));
            Assert.Equal(16 * Page, PinCheck.Run().LockedDriftBytes);
            Assert.Equal(0, KernelCalls.Unmap(address, 16 * Page));
        }
        finally
        {
            Assert.Equal(0, KernelCalls.CloseFile(file));
        }
    });

    [Fact]
    public void R18_the_privileged_lock_as_much_as_their_group_may()
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        Assert.SkipUnless(MemoryLockLimit.OfProcess.IsBypassed, "This needs CAP_IPC_LOCK.");
        locker.Lock(_pages.Address, 100 * Page);
        Assert.Equal((100 * Page, 100 * Page), (KernelPins.VmLck, locker.ChargedBytes));
    }

    [Fact]
    public void R19_of_a_huge_page_the_kernel_counts_the_whole_and_the_check_says_so()
    {
        const int HugeBytes = 2 << 20, AdviseHuge = 14;
        KernelPins.RequireIoUring();
        Assert.Equal(0, KernelCalls.Map(2 * HugeBytes, KernelCalls.Private, out nint mapped));
        nint huge = (mapped + HugeBytes - 1) & -HugeBytes;
        _ = KernelCalls.Advise(huge, HugeBytes, AdviseHuge);
        *(byte*)huge = 1;
        using var ring = new IoRing(_tree.Leaf);
        ring.Register(new NativePages((byte*)huge, (int)Page).Memory);
        long pinned = KernelPins.VmPin;
        PinCheckResult check = PinCheck.Run();
        ring.Dispose();
        Assert.Equal(0, KernelCalls.Unmap(mapped, 2 * HugeBytes));
        Assert.SkipUnless(pinned != Page, "The kernel gave no huge page.");
        Assert.Equal(HugeBytes, pinned);
        Assert.Equal(HugeBytes - Page, check.PinnedDriftBytes);
        Assert.Contains("huge pages", Assert.Single(check.Causes));
    }

    private void AssertTooMuch(MemoryLocker locker, long page, long pages)
    {
        Assert.False(locker.TryLock(_pages.At(page), pages * Page, MemoryLockMode.Now, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.LockLimitReached, refusal.Reason);
        int error = KernelCalls.Lock(_pages.At(page), pages * Page);
        Assert.Contains(error, (int[])[KernelCalls.NoMemoryError, KernelCalls.PermissionError]);
    }

    private static Memory<byte> Aligned(Memory<byte> pinned)
    {
        fixed (byte* start = pinned.Span)
        {
            return pinned[(int)((Page - ((nint)start & (nint)(Page - 1))) & (nint)(Page - 1))..];
        }
    }

    /// <summary>Native memory of a test as <see cref="Memory{T}"/>.</summary>
    private sealed class NativePages(byte* start, int bytes) : System.Buffers.MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, bytes);

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex, default, this);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
