namespace Allot.Tests.Scopes;

/// <summary>The lock of readers and a writer, and its scope.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class ScopedReaderWriterLockTests
{
    private static AllocationRestrictions Here => AllocationContext.Restrictions;

    [Fact]
    public void B32_readers_share_the_lock_a_writer_has_it_alone_and_all_are_in_its_scope()
    {
        using var pages = new ScopedReaderWriterLock(AllocationRestrictions.NoFs);
        using (pages.EnterRead())
        {
            Assert.Equal((true, AllocationRestrictions.NoFs), (pages.IsReadByCurrentThread, Here));
            FreshThread.Run(() =>
            {
                using ScopedReaderWriterLock.Holder reader = pages.EnterRead();
                Assert.Equal(AllocationRestrictions.NoFs, Here);
            });
            Assert.True(Throws<LockRecursionException>(() => pages.EnterRead().Dispose()));
            Assert.Equal(AllocationRestrictions.NoFs, Here);
        }

        ScopedReaderWriterLock.Holder writer = pages.EnterWrite();
        ScopedReaderWriterLock.Holder copy = writer;
        Assert.Equal((true, AllocationRestrictions.NoFs), (pages.IsWrittenByCurrentThread, Here));
        writer.Dispose();
        writer.Dispose();
        copy.Dispose();
        Assert.Equal((false, AllocationRestrictions.None), (pages.IsWrittenByCurrentThread, Here));
        Assert.True(Throws<ArgumentOutOfRangeException>(
            () => new ScopedReaderWriterLock(AllocationRestrictions.DenyAllocations).Dispose()));
    }

    [Fact]
    public void B31_a_reader_inside_of_a_reclaimer_is_part_of_the_order()
    {
        using var checks = new ChecksOn();
        using var pages = new ScopedReaderWriterLock(AllocationRestrictions.None, "pages of a test");
        MemoryGroup group = new MemoryController().Root.CreateChild("g", new() { MaxBytes = 100 });
        var reclaimer = new NeedyReclaimer(group, 100) { WhenCalled = () => pages.EnterRead().Dispose() };
        group.Charge(MemoryKind.User, 10);
        reclaimer.WhenCalled = null;
        using (pages.EnterRead()) group.Charge(MemoryKind.User, 10);
        AllocationReport report = Assert.Single(
            checks.Reports, one => one.Message.Contains("pages of a test", StringComparison.Ordinal));
        Assert.Equal(AllocationReportKind.LockInReclaim, report.Kind);
    }

    private static bool Throws<TException>(Action action)
        where TException : Exception => Record.Exception(action) is TException;
}
