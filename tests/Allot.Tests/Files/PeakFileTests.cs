using System.Globalization;
using System.Runtime.CompilerServices;
using Allot.Tests.Reclaim;

namespace Allot.Tests.Files;

/// <summary>Peaks of a handle, and the two files of version 1 that are reset for everybody.</summary>
public sealed class PeakFileTests
{
    private const long Mi = 1 << 20;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("a");

    [Fact]
    public void M2_current_peak()
    {
        Assert.Equal((0, 0), (Read("memory.current"), Read("memory.peak")));
        using (_group.Hold(MemoryKind.User, 50 * Mi)) Assert.True(Read("memory.current") >= 50 * Mi);
        Assert.True(Read("memory.peak") >= 50 * Mi);

        GroupFile first = OpenAndReset();
        GroupFile second = OpenAndReset();
        GroupFile third = OpenAndReset();
        Assert.True(Read("memory.peak") >= 50 * Mi);
        second.Dispose();
        GroupFile fourth = OpenAndReset();
        Assert.InRange(Number(first.Read()), 0, 30 * Mi);

        using (TestCache cache = new TestCache(_group, entryBytes: 4096).Fill(50 * Mi))
        {
            Assert.True(Read("memory.current") >= 50 * Mi);
        }

        Assert.True(Read("memory.peak") >= 50 * Mi);
        Assert.True(Number(first.Read()) >= 50 * Mi);
        Assert.True(Number(fourth.Read()) >= 50 * Mi);
        third.Dispose();
        fourth.Dispose();
        Assert.True(Number(first.Read()) >= 50 * Mi);
        first.Dispose();
    }

    [Theory, InlineData("memory.peak"), InlineData("pins.peak")]
    public void A_handle_that_was_not_written_reads_the_peak_of_all_time(string name)
    {
        ChargeAndGiveBack(100);
        using GroupFile file = _group.Files.Open(name);
        Assert.Equal("100\n", file.Read());
        ChargeAndGiveBack(200);
        Assert.Equal("200\n", file.Read());
    }

    [Theory, InlineData("memory.peak"), InlineData("pins.peak")]
    public void A_write_starts_the_peak_of_this_handle_alone(string name)
    {
        ChargeAndGiveBack(100);
        Charge(10);
        using GroupFile written = _group.Files.Open(name);
        using GroupFile other = _group.Files.Open(name);
        using PeakReader reader = _group.Memory.OpenPeak();
        Assert.Equal(0, written.Write("anything"));
        Assert.Equal(("10\n", "100\n", "100\n"), (written.Read(), other.Read(), _group.Files.Read(name)));
        ChargeAndGiveBack(20);
        Assert.Equal(("30\n", "100\n", "100\n"), (written.Read(), other.Read(), _group.Files.Read(name)));
        written.Write("\n");
        Assert.Equal("10\n", written.Read());
        Assert.Equal(30, reader.PeakBytes);
    }

    [Theory, InlineData("memory.peak"), InlineData("pins.peak")]
    public void A_write_without_a_handle_starts_nothing_that_lasts(string name)
    {
        ChargeAndGiveBack(100);
        _group.Files.Write(name, "0");
        Assert.Equal("100\n", _group.Files.Read(name));
    }

    [Theory]
    [InlineData("memory.peak", "Write anything to start this handle's peak from what is in use now.")]
    [InlineData("pins.peak", "Write anything to start this handle's peak from what is in use now.")]
    [InlineData("memory.kmem.failcnt", "Write 0 to start again from 0.")]
    [InlineData("memory.kmem.max_usage_in_bytes", "Write 0 to start again from what is in use now.")]
    public void Nothing_is_not_a_write(string name, string advice)
    {
        GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write(name, ""));
        Assert.Equal(GroupFileError.InvalidText, error.Error);
        Assert.Equal($"Cannot write '' to '{name}' of '/a': it is empty. {advice}", error.Message);
    }

    [Fact]
    public void A_handle_sees_what_is_spent_from_what_its_thread_holds_in_advance()
    {
        using GroupFile file = _group.Files.Open("memory.peak");
        for (int i = 0; i < 100; i++) _group.Charge(MemoryKind.User, 10);
        file.Write("0");
        for (int i = 0; i < 100; i++) _group.Charge(MemoryKind.User, 10);
        Assert.Equal("2000\n", file.Read());
        Assert.Equal("2000\n", _group.Files.Read("memory.current"));
    }

    [Fact]
    public void The_peak_of_version_1_is_reset_for_all_who_read_the_file_and_for_nobody_else()
    {
        const string Name = "memory.kmem.max_usage_in_bytes";
        using PeakReader reader = _group.Kernel.OpenPeak();
        using GroupFile open = _group.Files.Open(Name);
        _group.Charge(MemoryKind.Kernel, 100);
        _group.Uncharge(MemoryKind.Kernel, 90);
        Assert.Equal("100\n", open.Read());

        Assert.Equal(0, _group.Files.Write(Name, "0"));
        Assert.Equal(("10\n", "10\n"), (open.Read(), _group.Files.Read(Name)));
        Assert.Equal((100, 100), (_group.Kernel.PeakBytes, reader.PeakBytes));
        _group.Charge(MemoryKind.Kernel, 20);
        _group.Uncharge(MemoryKind.Kernel, 20);
        Assert.Equal("30\n", open.Read());
    }

    [Fact]
    public void The_failures_of_version_1_are_those_of_its_own_limit_since_the_reset()
    {
        const string Name = "memory.kmem.failcnt";
        MemoryGroup below = _group.CreateChild("b", new() { KernelMaxBytes = 5 });
        _group.Kernel.MaxBytes = 10;
        Assert.False(_group.TryCharge(MemoryKind.Kernel, 11, out _));
        Assert.False(_group.TryCharge(MemoryKind.Kernel, 11, out _));
        Assert.False(below.TryCharge(MemoryKind.Kernel, 6, out _));
        Assert.Equal(("2\n", "1\n"), (_group.Files.Read(Name), below.Files.Read(Name)));

        _group.Files.Write(Name, "0");
        Assert.Equal(("0\n", "1\n"), (_group.Files.Read(Name), below.Files.Read(Name)));
        Assert.False(_group.TryCharge(MemoryKind.Kernel, 11, out _));
        Assert.Equal("1\n", _group.Files.Read(Name));
        Assert.Equal(3, _group.ReadLocalEvents().KernelMax);
    }

    [Fact]
    public void What_a_reset_keeps_goes_with_the_group()
    {
        MemoryController tree = new();
        WeakReference group = CreateResetRemove(tree);
        for (int i = 0; i < 10 && group.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(group.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference CreateResetRemove(MemoryController tree)
        {
            MemoryGroup group = tree.Root.CreateChild("a");
            group.Files.Write("memory.kmem.max_usage_in_bytes", "0");
            group.Files.Write("memory.kmem.failcnt", "0");
            group.Remove();
            return new WeakReference(group);
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private long Read(string name) => Number(_group.Files.Read(name));

    private GroupFile OpenAndReset()
    {
        GroupFile file = _group.Files.Open("memory.peak");
        file.Write("reset\n");
        return file;
    }

    private void Charge(long bytes)
    {
        _group.Charge(MemoryKind.User, bytes);
        Assert.True(_group.TryPin(PinKind.Pinned, bytes, out _));
    }

    private void ChargeAndGiveBack(long bytes)
    {
        Charge(bytes);
        _group.Uncharge(MemoryKind.User, bytes);
        _group.Unpin(PinKind.Pinned, bytes);
    }
}
