using Allot.Tests.Reclaim;

namespace Allot.Tests.Files;

/// <summary>The files that set an amount: what they take, what they refuse, and what a write does.</summary>
public sealed class LimitFileTests
{
    private const long Mi = 1 << 20;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("a");

    public static TheoryData<string> Amounts =>
        ["memory.high", "memory.low", "memory.max", "memory.min", "memory.kmem.limit_in_bytes", "pins.max"];

    public static TheoryData<string> AmountsOfVersion2 => ["memory.high", "memory.low", "memory.max", "memory.min", "pins.max"];

    [Theory, MemberData(nameof(Amounts))]
    public void X5_junk_is_refused_units_are_powers_of_1024_and_nothing_is_rounded(string name)
    {
        _group.Files.Write(name, "1G");
        Assert.Equal("1073741824\n", _group.Files.Read(name));
        GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write(name, "10junk"));
        Assert.Equal(GroupFileError.InvalidText, error.Error);
        Assert.Equal("1073741824\n", _group.Files.Read(name));
        _group.Files.Write(name, "4097");
        Assert.Equal("4097\n", _group.Files.Read(name));   // Linux reads 4096: it floors to pages
    }

    [Theory, MemberData(nameof(AmountsOfVersion2))]
    public void X5_max_is_no_limit_and_reads_as_it_was_written(string name)
    {
        _group.Files.Write(name, "4097");
        _group.Files.Write(name, "max");
        Assert.Equal("max\n", _group.Files.Read(name));
    }

    [Theory, MemberData(nameof(Amounts))]
    public void What_was_read_can_be_written(string name)
    {
        foreach (string first in (string[])["0", "1", "4097", "1M", "1.5G", " 64MiB\n", "9223372036854771711"])
        {
            _group.Files.Write(name, first);
            string read = _group.Files.Read(name);
            _group.Files.Write(name, read);
            Assert.Equal(read, _group.Files.Read(name));
        }

        string unlimited = new MemoryController().Root.CreateChild("new").Files.Read(name);
        _group.Files.Write(name, unlimited);
        Assert.Equal(unlimited, _group.Files.Read(name));
    }

    [Theory, MemberData(nameof(Amounts))]
    public void What_is_no_amount_is_an_error_that_says_everything_and_changes_nothing(string name)
    {
        foreach ((string text, string quoted, string problem) in ((string, string, string)[])
            [
                ("", "''", "is empty"),
                (" \n", "' \\n'", "is empty"),
                ("10junk", "'10junk'", "is not a size"),
                ("x", "'x'", "is not a size"),
                ("1 2", "'1 2'", "is not a size"),
                ("0x10", "'0x10'", "is not a size"),
                ("MAX", "'MAX'", "is not a size"),
                ("1\0", "'1\\u0000'", "is not a size"),
                ("-2", "'-2'", "is negative"),
                ("-1M", "'-1M'", "is negative"),
                ("010", "'010'", "begins with a 0, which the kernel's files read as octal"),
                ("9223372036854775807", "'9223372036854775807'", "is too large"),
                ("16E", "'16E'", "is too large"),
                (new string('9', 100), $"'{new string('9', 64)}...'", "is too large"),
            ])
        {
            string before = _group.Files.Read(name);
            GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write(name, text));
            Assert.Equal(GroupFileError.InvalidText, error.Error);
            Assert.StartsWith($"Cannot write {quoted} to '{name}' of '/a': it {problem}. Write ", error.Message);
            Assert.Equal(before, _group.Files.Read(name));
        }
    }

    [Theory, MemberData(nameof(AmountsOfVersion2))]
    public void Minus_one_is_the_word_of_version_1(string name) =>
        Assert.Contains("is negative", Assert.Throws<GroupFileException>(() => _group.Files.Write(name, "-1")).Message);

    [Fact]
    public void The_files_and_the_members_are_the_same_limits()
    {
        _group.Files.Write("memory.max", "6000");
        _group.Files.Write("memory.high", "5000");
        _group.Files.Write("memory.low", "4000");   // not above memory.max
        _group.Files.Write("memory.min", "3000");
        _group.Files.Write("memory.kmem.limit_in_bytes", "2000");
        _group.Files.Write("pins.max", "1000");
        Assert.Equal(
            (6000, 5000, 4000, 3000, 2000, 1000),
            (_group.Memory.MaxBytes, _group.HighBytes, _group.LowBytes, _group.MinBytes, _group.Kernel.MaxBytes,
                _group.Pins.MaxBytes));
    }

    [Theory, InlineData("memory.max"), InlineData("memory.high")]
    public void A_limit_below_use_takes_the_excess_back_and_says_how_much(string name)
    {
        using TestCache cache = new TestCache(_group, entryBytes: 4096).Fill(Mi);
        long freed = _group.Files.Write(name, "512K");
        Assert.Equal(Mi - freed, _group.Memory.CurrentBytes);
        Assert.InRange(_group.Memory.CurrentBytes, 0, 512 << 10);
        Assert.Equal("524288\n", _group.Files.Read(name));
        Assert.Equal(0, _group.Files.Write(name, "512K"));
    }

    [Theory, InlineData("memory.max"), InlineData("memory.high")]
    public void A_limit_that_cannot_be_met_is_set_all_the_same(string name)
    {
        _group.Charge(MemoryKind.User, 5000);
        Assert.Equal(0, _group.Files.Write(name, "1000"));
        Assert.Equal("1000\n", _group.Files.Read(name));
        Assert.Equal("5000\n", _group.Files.Read("memory.current"));
        Assert.Equal(0, _group.Files.Write(name, "0"));
    }

    [Fact]
    public void A_limit_of_pins_below_use_refuses_only_the_next()
    {
        Assert.True(_group.TryPin(PinKind.Locked, 10, out _));
        Assert.Equal(0, _group.Files.Write("pins.max", "4"));
        Assert.Equal("10\n", _group.Files.Read("pins.current"));
        Assert.False(_group.TryPin(PinKind.Locked, 1, out _));
        Assert.Equal("max 1\nforced 0\nleaked 0\n", _group.Files.Read("pins.events"));
    }

    [Theory, InlineData("memory.low"), InlineData("memory.min")]
    public void Protection_above_the_limit_is_refused_and_a_limit_below_the_protection(string name)
    {
        _group.Files.Write("memory.max", "6000");
        GroupFileException error = Assert.Throws<GroupFileException>(() => _group.Files.Write(name, "max"));
        Assert.Equal(GroupFileError.InvalidText, error.Error);
        Assert.StartsWith(
            $"Cannot write 'max' to '{name}' of '/a': it protects more than the group may use: "
                + "its memory.max is 6000. Write ",
            error.Message);
        Assert.Equal("0\n", _group.Files.Read(name));

        _group.Files.Write(name, "6000");
        error = Assert.Throws<GroupFileException>(() => _group.Files.Write("memory.max", "5K"));
        Assert.Equal(GroupFileError.InvalidText, error.Error);
        Assert.StartsWith(
            "Cannot write '5K' to 'memory.max' of '/a': it is less than what the group is protected for: "
                + $"its {name} is 6000. Write ",
            error.Message);
        Assert.Equal("6000\n", _group.Files.Read("memory.max"));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("9223372036854771712")]
    [InlineData("9223372036854775806")]
    public void Version_1_has_no_limit_at_minus_one_and_from_its_largest_page_on(string text)
    {
        _group.Kernel.MaxBytes = 5;
        _group.Files.Write("memory.kmem.limit_in_bytes", text);
        Assert.Equal(MemoryGroup.Unlimited, _group.Kernel.MaxBytes);
        Assert.Equal("9223372036854771712\n", _group.Files.Read("memory.kmem.limit_in_bytes"));
    }

    [Fact]
    public void Version_1_does_not_know_the_word_max()
    {
        GroupFileException error =
            Assert.Throws<GroupFileException>(() => _group.Files.Write("memory.kmem.limit_in_bytes", "max"));
        Assert.Equal(
            "Cannot write 'max' to 'memory.kmem.limit_in_bytes' of '/a': it is the word of version 2. "
                + "Write bytes (4096), a number with K, M, G, T, P or E (64M), or -1 for no limit.",
            error.Message);
    }

    [Fact]
    public void Control_characters_of_what_was_written_are_not_shown()
    {
        string message = Assert.Throws<GroupFileException>(() => _group.Files.Write("memory.max", "\u001b[31m")).Message;
        Assert.DoesNotContain(message, char.IsControl);
        Assert.Contains("'\\u001b[31m'", message);
    }
}
