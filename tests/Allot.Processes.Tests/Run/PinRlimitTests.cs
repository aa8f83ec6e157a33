using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// What the kernel itself answers to a process without CAP_IPC_LOCK under a limit of its own (16 pages unless said), row
// by row. In a group with room every step has the same result: the lesser limit is then the kernel's, and the group
// refuses nothing and says so. (R22 of the conformance table is that comparison, for all rows.)
public sealed class PinRlimitTests
{
    private const string Unprivileged = "drop-caps rlimit-memlock 64K ";
    private const string FreshUser = "drop-caps setuid 54321 rlimit-memlock 64K ";

    public static TheoryData<string, string, string> Rows => new()
    {
        { "R01 lock 16 pages twice", Unprivileged + "map a 64K mlock a 0 64K status mlock a 0 64K status", "" },
        { "R02 one page too many", Unprivileged + "map a 68K mlock a 0 68K status mlock a 0 64K mlock a 64K 4K status", "ENOMEM" },
        { "R03 what is not mapped", Unprivileged + "map a 64K munmap a mlock a 0 64K status", "ENOMEM" },
        { "R04 lock on fault", Unprivileged + "map a 32K mlock2-onfault a 0 32K status", "" },
        { "R05 MAP_LOCKED", Unprivileged + "mmap-locked a 68K mmap-locked b 64K status", "EAGAIN" },
        { "R06 growth of a locked mapping", Unprivileged + "map a 64K mlock a 0 64K mremap a 128K status", "EAGAIN" },
        { "R07 mlockall", Unprivileged + "mlockall current mlockall onfault mlockall future map a 68K", "EAGAIN" },
        { "R08 memory that may be dropped is never locked", Unprivileged + "mmap-locked-droppable a 64K mmap-locked b 64K status", "EINVAL" },
        { "R09 limit 0", "drop-caps rlimit-memlock 0 map a 4K mlock a 0 4K mlockall current mmap-locked b 4K shm-make s 4K shm-lock s munlock a 0 4K", "EPERM" },
        { "R10 segments have a bucket of their own", FreshUser + "shm-lock s:68K shm-lock t:64K shm-attach t mlock t 0 64K status", "ENOMEM" },
        { "R11 a child starts at zero", Unprivileged + "map a 64K mlock a 0 64K fork-and status mlock a 0 64K status end status", "" },
        { "R12 unmapping releases a lock and no pin", "map a 64K mlock a 0 64K munmap a status uring-setup r 4 map b 64K touch b uring-register r b 0 64K status munmap b status", "" },
        { "R13 registered buffers", FreshUser + "uring-setup r 4 map b 68K touch b uring-register r b 0 68K uring-register r b 0 56K status", "ENOMEM" },
        { "R14 registered buffers of root", "rlimit-memlock 64K uring-setup r 4 map b 64K touch b uring-register r b 0 64K status", "" },
        { "R15 perf within the allowance", FreshUser + "perf-map 256 perf-map 256 status", "" },
        { "R16 zero copy", FreshUser + "zerocopy 256K zerocopy 32K status", "ENOBUFS" },
        { "R17 secret memory", Unprivileged + "secret a 64K touch a status", "" },
        { "R18 root passes the limit", "rlimit-memlock 64K map a 400K mlock a 0 400K status", "" },
        { "AF_XDP", "rlimit-memlock 64K map a 64K touch a xdp-umem a 64K status", "" },
        { "vfio and iommufd by number", "map a 64K vfio-map a 64K iommufd-map a 64K status", "ENOTTY" },
        { "MCL_FUTURE", "mlockall future map a 64K status brk 64K status stack 64K", "" },
        { "16 pages in each of three ways", FreshUser + "uring-setup r 4 map a 64K mlock a 0 64K map b 64K touch b uring-register r b 0 56K shm-lock s:64K status", "" },
    };

    [Theory, MemberData(nameof(Rows))]
    public void R22_in_a_group_with_room_the_row_is_as_outside(string row, string steps, string error)
    {
        Require.Root();
        RunResult outside = PinRun.Outside(steps);
        AllotResult inside = PinRun.In("--pins-max 1G --kernel-max 1G --allow-io-uring", steps);
        Assert.True(outside.Output == inside.Run.Output, $"{row}:\n{outside.Output}--- inside\n{inside.Run.Output}");
        Assert.True(error.Length == 0 || outside.Lines.Any(line => line.EndsWith(' ' + error)), $"{row}: {outside}");

        // The rlimit refused, not the group.
        Assert.Equal(0, inside.Number("pins.refused"));
        Assert.Empty(inside.Refusals());
    }

    [Fact]
    public void The_rlimit_that_is_lower_than_the_group_refuses()
    {
        Require.Root();
        AllotResult result = PinRun.In(
            "--pins-max 1M", "drop-caps rlimit-memlock 64K map a 1M mlock a 0 68K mlock a 0 64K status");
        Assert.Equal(["mlock ENOMEM", "mlock ok"], result.Of("mlock"));
        Assert.Equal(0, result.Number("pins.refused"));
        Assert.InRange(result.Number("pins.locked_peak_bytes")!.Value, 64 << 10, 68 << 10);
    }

    [Fact]
    public void Calls_that_the_rlimit_refused_leave_no_charge()
    {
        Require.Root();
        AllotResult result = PinRun.In("--pins-max 128K",
            "fork-and drop-caps rlimit-memlock 0 map a 128K repeat 20 mlock a 0 128K mmap-locked b 128K end end map a 128K mlock a 0 128K");
        Assert.Equal("mlock ok", result.Run.Lines[^1]);
        Assert.Equal(0, result.Number("pins.refused"));
        Assert.Equal(128 << 10, result.Number("pins.peak_bytes"));
    }
}
