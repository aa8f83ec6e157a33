namespace Allot.Processes.Tests.Reporting;

// Both forms of the report, word for word: programs read one, people compare the other.
public sealed class ReportFormsTests
{
    private static readonly ProcessGroupReport s_full = new()
    {
        Group = "g",
        Command = ["a", "b c"],
        ExitCode = 137,
        Signal = 9,
        DurationMilliseconds = 1234.5,
        Memory = new MemoryUse { MaxBytes = 32 << 20, PeakBytes = 32 << 20, CurrentBytes = 4096, Refused = 2, OomKills = 1 },
        Kernel = new KernelUse
        {
            MaxBytes = 16 << 20,
            PeakBytes = 15 << 20,
            CurrentBytes = 8192,
            Refused = 7,
            ByKind = new Dictionary<string, long> { ["slab"] = 9 << 20, ["sock"] = 0, ["pagetables"] = 10 << 20 },
            Readings = 11,
        },
        Pins = new PinUse { MaxBytes = 65536, PeakBytes = 65536, CurrentBytes = 4096, Refused = 1, LockedPeakBytes = 61440, PinnedPeakBytes = 4096 },
        Refusals = [new CallRefusals { Call = "mkdir", Errno = "ENOMEM", Count = 7 }, new CallRefusals { Call = "mlock", Errno = "ENOMEM", Count = 1 }],
        Notifications = new NotificationTimes { Count = 20, MedianMicroseconds = 1.5, NinetyNinthMicroseconds = 12.25 },
        Cgroup = new CgroupFate { Version = 1, Path = "/x/y", Removed = false, LeftBehind = "busy" },
        LeftoverProcesses = 3,
    };

    private static readonly ProcessGroupReport s_empty = new()
    {
        Group = "true",
        Command = ["true"],
        ExitCode = 0,
        Signal = null,
        DurationMilliseconds = 4,
        Memory = new MemoryUse { MaxBytes = null, PeakBytes = null, CurrentBytes = null, Refused = 0, OomKills = 0 },
        Kernel = new KernelUse { MaxBytes = null, PeakBytes = null, CurrentBytes = null, Refused = 0, ByKind = new Dictionary<string, long>(), Readings = 0 },
        Pins = new PinUse { MaxBytes = null, PeakBytes = 0, CurrentBytes = 0, Refused = 0, LockedPeakBytes = 0, PinnedPeakBytes = 0 },
        Refusals = [],
        Notifications = new NotificationTimes { Count = 0, MedianMicroseconds = 0, NinetyNinthMicroseconds = 0 },
        Cgroup = null,
        LeftoverProcesses = 0,
    };

    [Fact]
    public void Everything_that_can_be_told_for_people() => Assert.Equal(
        """
        allot: group 'g' was ended by signal 9 after 1.23 s
                     peak         max   refused
          memory     32 MiB      32 MiB         2
          kernel     15 MiB      16 MiB         7
          pins       64 KiB      64 KiB         1
          pins: locked 60 KiB, pinned 4 KiB at the most; 4 KiB still held
          kernel memory when largest: pagetables 10 MiB, slab 9 MiB
          refused: mkdir 7 times with ENOMEM
          refused: mlock once with ENOMEM
          the kernel's out-of-memory killer ended 1 process
          20 calls answered, half within 1.5 us, 99% within 12.25 us; the kernel was asked 11 times
          3 processes outlived the command and were ended
          not removed: busy

        """,
        s_full.ToText());

    [Fact]
    public void One_is_not_many()
    {
        string text = (s_full with
        {
            Kernel = s_full.Kernel with { Readings = 1 },
            Notifications = s_full.Notifications with { Count = 1 },
            LeftoverProcesses = 1,
            Memory = s_full.Memory with { OomKills = 2 },
        }).ToText();
        Assert.Contains("  1 call answered, half", text, StringComparison.Ordinal);
        Assert.Contains("; the kernel was asked once\n", text, StringComparison.Ordinal);
        Assert.Contains("  1 process outlived the command and was ended\n", text, StringComparison.Ordinal);
        Assert.Contains("killer ended 2 processes\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_to_tell_is_short() => Assert.Equal(
        """
        allot: group 'true' exited with 0 after 0.00 s
                     peak         max   refused
          memory    unknown           -         0
          kernel    unknown           -         0
          pins          0 B           -         0

        """,
        s_empty.ToText());

    [Fact]
    public void Numbers_do_not_depend_on_the_language_of_the_machine()
    {
        var before = System.Globalization.CultureInfo.CurrentCulture;
        string text = s_full.ToText(), json = s_full.ToJson();
        try
        {
            var comma = (System.Globalization.CultureInfo)System.Globalization.CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            System.Globalization.CultureInfo.CurrentCulture = comma;
            Assert.Equal(text, s_full.ToText());
            Assert.Equal(json, s_full.ToJson());
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void For_programs() => Assert.Equal(
        """
        {
          "group": "g",
          "command": [
            "a",
            "b c"
          ],
          "exit_code": 137,
          "signal": 9,
          "duration_ms": 1234.5,
          "memory": {
            "max_bytes": 33554432,
            "peak_bytes": 33554432,
            "current_bytes": 4096,
            "refused": 2,
            "oom_kills": 1
          },
          "kernel": {
            "max_bytes": 16777216,
            "peak_bytes": 15728640,
            "current_bytes": 8192,
            "refused": 7,
            "by_kind": {
              "slab": 9437184,
              "sock": 0,
              "pagetables": 10485760
            },
            "readings": 11
          },
          "pins": {
            "max_bytes": 65536,
            "peak_bytes": 65536,
            "current_bytes": 4096,
            "refused": 1,
            "locked_peak_bytes": 61440,
            "pinned_peak_bytes": 4096
          },
          "refusals": [
            {
              "call": "mkdir",
              "errno": "ENOMEM",
              "count": 7
            },
            {
              "call": "mlock",
              "errno": "ENOMEM",
              "count": 1
            }
          ],
          "notifications": {
            "count": 20,
            "p50_us": 1.5,
            "p99_us": 12.25
          },
          "cgroup": {
            "version": 1,
            "path": "/x/y",
            "removed": false,
            "left_behind": "busy"
          },
          "leftover_processes": 3
        }

        """,
        s_full.ToJson());
}
