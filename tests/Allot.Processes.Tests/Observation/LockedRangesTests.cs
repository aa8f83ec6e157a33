using System.Text;
using Allot.Processes.Observation;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Observation;

public sealed class LockedRangesTests
{
    private static List<AddressRange> ReadOwn(OwnMemory memory)
    {
        var all = new List<AddressRange>();
        Assert.True(LockedRanges.Read(Environment.ProcessId, all));
        // Other tests of this process may lock too.
        return all.FindAll(range => range.End > memory.PageAddress(0) && range.Start < memory.PageAddress(16));
    }

    [Fact]
    public void Parts_that_were_locked_are_found_and_neighbours_are_one_range()
    {
        using var memory = new OwnMemory(16);
        Assert.Empty(ReadOwn(memory));
        Assert.SkipUnless(memory.TryLock(2, 3), "mlock is refused here: RLIMIT_MEMLOCK is too small.");
        Assert.Equal([new AddressRange(memory.PageAddress(2), memory.PageAddress(5))], ReadOwn(memory));
        memory.TryLock(8, 1);
        memory.TryLock(5, 1);
        Assert.Equal(
        [
            new AddressRange(memory.PageAddress(2), memory.PageAddress(6)),
            new AddressRange(memory.PageAddress(8), memory.PageAddress(9)),
        ], ReadOwn(memory));
    }

    [Fact]
    public void What_a_lock_call_would_add_is_what_the_kernel_then_counts()
    {
        using var memory = new OwnMemory(16);
        Assert.SkipUnless(memory.TryLock(4, 4), "mlock is refused here: RLIMIT_MEMLOCK is too small.");
        List<AddressRange> locked = ReadOwn(memory);
        var call = new AddressRange(memory.PageAddress(2), memory.PageAddress(10));
        Assert.Equal(4 * OwnMemory.PageBytes, LockedRanges.UnlockedBytesWithin(locked, call));
        memory.TryLock(2, 8);
        Assert.Equal(0, LockedRanges.UnlockedBytesWithin(ReadOwn(memory), call));
    }

    [Theory]
    [InlineData(0, 16, 8)]       // both parts inside
    [InlineData(0, 4, 2)]        // begins before, ends inside
    [InlineData(3, 4, 0)]        // inside a locked part
    [InlineData(5, 7, 1)]        // begins inside, ends in the gap
    [InlineData(2, 4, 0)]        // exactly a locked part
    [InlineData(6, 8, 2)]        // exactly the gap
    [InlineData(14, 20, 6)]      // behind everything
    [InlineData(5, 5, 0)]        // empty
    public void Unlocked_bytes_in_pages(int first, int end, int expectedPages)
    {
        ulong page = (ulong)Environment.SystemPageSize;
        List<AddressRange> locked = [new(2 * page, 6 * page), new(8 * page, 12 * page)];
        // In the first case: pages 0, 1, 6, 7, 12 to 15.
        Assert.Equal(
            expectedPages * (long)page,
            LockedRanges.UnlockedBytesWithin(locked, new AddressRange((ulong)first * page, (ulong)end * page)));
    }

    [Theory]
    [InlineData(4095UL, 2UL, 0UL, 8192UL)]
    [InlineData(4096UL, 4096UL, 4096UL, 8192UL)]
    [InlineData(4097UL, 0UL, 0UL, 0UL)]
    [InlineData(ulong.MaxValue - 10, 100UL, 0UL, 0UL)]
    public void Whole_pages_of_a_call(ulong address, ulong length, ulong start, ulong end)
    {
        Assert.SkipUnless(Environment.SystemPageSize == 4096, "The numbers are for pages of 4 KiB.");
        Assert.Equal(new AddressRange(start, end), AddressRange.WholePages(address, length));
    }

    [Theory]
    [InlineData("1000-2000 2000-3000", "1000-3000")]
    [InlineData("1000-2000 3000-4000", "1000-2000 3000-4000")]
    [InlineData("1000-2000 1000-4000 5000-6000", "1000-4000 5000-6000")]   // grown together between two readings
    [InlineData("3000-4000 1000-5000", "3000-5000")]                       // with what comes before it, too
    [InlineData("1000-5000 3000-4000", "1000-5000")]
    public void A_file_that_changes_while_it_is_read_still_gives_ranges_that_ascend(string locked, string expected)
    {
        using var scratch = new ScratchDirectory();
        string path = scratch.File("smaps");
        File.WriteAllLines(path, locked.Split(' ').SelectMany(range => new[] { $"{range} rw-p 0 0:0 0", "VmFlags: rd lo ac" }));
        int file = ProcFiles.Open(Encoding.UTF8.GetBytes(path + '\0'));
        var ranges = new List<AddressRange>();
        var lines = new LineReader(file, ProcFiles.FileBuffer);
        LockedRanges.Parse(ref lines, ranges);
        ProcFiles.Close(file);
        Assert.Equal(expected, string.Join(' ', ranges.Select(range => $"{range.Start:x}-{range.End:x}")));
    }

    [Fact]
    public void A_process_that_is_gone_has_no_ranges()
    {
        int pid;
        using (TestProcess process = TestProcess.Shell("exit 0"))
        {
            pid = process.Pid;
            process.WaitForExit();
        }
        List<AddressRange> ranges = [new(1, 2)];
        Assert.False(LockedRanges.Read(pid, ranges));
        Assert.Empty(ranges);
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        var ranges = new List<AddressRange>(64);
        Allocations.AssertNone(() => LockedRanges.Read(Environment.ProcessId, ranges));
    }
}
