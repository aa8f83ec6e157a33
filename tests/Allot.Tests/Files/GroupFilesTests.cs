namespace Allot.Tests.Files;

/// <summary>Which files there are, what may be done with each, and what is said of everything else.</summary>
public sealed class GroupFilesTests
{
    private readonly TreeOfThree _tree = new();

    public static TheoryData<string> Names => [.. new MemoryController().Root.CreateChild("a").Files.Names];

    [Fact]
    public void A_group_has_these_files() => Assert.Equal(
        [
            "cgroup.stat",
            "memory.current",
            "memory.events",
            "memory.events.local",
            "memory.high",
            "memory.kmem.failcnt",
            "memory.kmem.limit_in_bytes",
            "memory.kmem.max_usage_in_bytes",
            "memory.kmem.usage_in_bytes",
            "memory.low",
            "memory.max",
            "memory.min",
            "memory.oom.group",
            "memory.peak",
            "memory.pressure",
            "memory.reclaim",
            "memory.stat",
            "pins.current",
            "pins.events",
            "pins.max",
            "pins.peak",
            "pins.stat",
        ],
        _tree.Leaf.Files.Names);

    [Fact]
    public void The_root_has_only_those_that_it_has_in_Linux() =>
        Assert.Equal(["cgroup.stat", "memory.pressure", "memory.reclaim", "memory.stat"], _tree.Root.Files.Names);

    [Fact]
    public void Reading_all_files_of_idle_groups_makes_nothing_in_them()
    {
        MemoryGroup[] idle = [.. Enumerable.Range(0, 1_000).Select(i => _tree.Leaf.CreateChild($"idle{i}"))];
        foreach (MemoryGroup group in idle)
        {
            foreach (string name in group.Files.Names)
            {
                using GroupFile file = group.Files.Open(name);
                if (file.CanRead) file.Read();
            }
        }

        Assert.All(idle, group => Assert.Null(group.KernelIfAny));
        Assert.All(idle, group => Assert.Null(group.PinsIfAny));
        Assert.All(idle, group => Assert.Null(group.Policy));
        Assert.All(idle, group => Assert.Null(group.Life));
    }

    [Fact]
    public void A_list_of_names_cannot_be_changed() =>
        Assert.Throws<NotSupportedException>(() => ((IList<string>)_tree.Leaf.Files.Names)[0] = "x");

    [Theory, MemberData(nameof(Names))]
    public void A_file_knows_its_name_and_its_group(string name)
    {
        using GroupFile file = _tree.Leaf.Files.Open(name);
        Assert.Equal(name, file.Name);
        Assert.Same(_tree.Leaf, file.Group);
        Assert.True(file.CanRead || file.CanWrite);
    }

    [Theory, MemberData(nameof(Names))]
    public void What_can_be_read_is_lines_that_end(string name)
    {
        using GroupFile file = _tree.Leaf.Files.Open(name);
        if (!file.CanRead) return;
        string text = file.Read();
        Assert.Equal(text, _tree.Leaf.Files.Read(name));
        Assert.EndsWith("\n", text);
        Assert.All(text[..^1].Split('\n'), line => Assert.Matches(@"^([a-z_]+ )?([0-9]+|max|(avg[0-9]+=[0-9.]+ ){3}total=[0-9]+)$", line));
    }

    [Theory, MemberData(nameof(Names))]
    public void What_cannot_be_read_or_written_says_so(string name)
    {
        using GroupFile file = _tree.Leaf.Files.Open(name);
        Assert.True(file.CanRead || file.CanWrite);
        if (file.CanRead) Assert.NotEmpty(file.Read());
        else AssertError(GroupFileError.NotReadable, name, () => file.Read());
        if (file.CanWrite) AssertError(GroupFileError.InvalidText, name, () => file.Write(""));
        else AssertError(GroupFileError.NotWritable, name, () => file.Write("17"));
    }

    [Fact]
    public void The_error_of_a_file_that_is_only_read_says_what_was_written_and_what_to_write_instead() => Assert.Equal(
        "Cannot write '17' to 'memory.current' of '/a/b': it can only be read. "
            + "Write to memory.max, memory.high or memory.reclaim to lower it.",
        Error(() => _tree.Leaf.Files.Write("memory.current", "17")).Message);

    [Fact]
    public void The_error_of_a_file_that_is_only_written_says_what_to_write() => Assert.Equal(
        "Cannot read 'memory.reclaim' of '/a/b': it can only be written. "
            + "Write how much to reclaim: bytes (4096), or a number with K, M, G, T, P or E (64M).",
        Error(() => _tree.Leaf.Files.Read("memory.reclaim")).Message);

    [Theory]
    [InlineData("memory.maximum")]
    [InlineData("MEMORY.MAX")]
    [InlineData(" memory.max")]
    [InlineData("a/memory.max")]
    [InlineData("")]
    [InlineData("cgroup.events")]   // there are no members: what is populated is a matter of who looks
    public void Another_name_is_no_file_and_the_error_lists_those_there_are(string name)
    {
        AssertError(GroupFileError.UnknownFile, name, () => _tree.Leaf.Files.Open(name));
        AssertError(GroupFileError.UnknownFile, name, () => _tree.Leaf.Files.Read(name));
        GroupFileException error =
            AssertError(GroupFileError.UnknownFile, name, () => _tree.Leaf.Files.Write(name, "1"));
        Assert.StartsWith($"'/a/b' has no file '{name}'. It has cgroup.stat, memory.current, ", error.Message);
    }

    [Fact]
    public void A_file_that_the_root_does_not_have_says_why()
    {
        var error = Error(() => _tree.Root.Files.Read("memory.max"));
        Assert.Equal(GroupFileError.UnknownFile, error.Error);
        Assert.Equal(
            "The root has no file 'memory.max': as in Linux, it has only cgroup.stat, memory.pressure, memory.reclaim, memory.stat. "
                + "Its limits and counters are members of the group, such as Memory.MaxBytes.",
            error.Message);
    }

    [Theory, MemberData(nameof(Names))]
    public void A_file_of_a_removed_group_is_gone(string name)
    {
        using GroupFile open = _tree.Leaf.Files.Open(name);
        _tree.Leaf.Remove();
        AssertError(GroupFileError.GroupRemoved, name, () => _tree.Leaf.Files.Open(name));
        AssertError(GroupFileError.GroupRemoved, name, () => open.Read());
        GroupFileException error = AssertError(GroupFileError.GroupRemoved, name, () => open.Write("1"));
        Assert.Equal($"'{name}' of '/a/b' is gone: the group was removed. What it held belongs to '/a'.", error.Message);
        Assert.Empty(_tree.Leaf.Files.Names);
    }

    [Theory, MemberData(nameof(Names))]
    public void A_new_group_of_the_same_name_has_files_of_its_own(string name)
    {
        using GroupFile old = _tree.Leaf.Files.Open(name);
        _tree.Leaf.Remove();
        MemoryGroup again = _tree.Middle.CreateChild("b");
        using GroupFile file = again.Files.Open(name);
        if (file.CanRead) Assert.NotEmpty(file.Read());
        AssertError(GroupFileError.GroupRemoved, name, () => old.Write("1"));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_handle_is_of_no_use_after_its_end_and_may_end_twice(string name)
    {
        GroupFile file = _tree.Leaf.Files.Open(name);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read());
        Assert.Throws<ObjectDisposedException>(() => file.Write("1"));
    }

    [Fact]
    public void Null_is_the_mistake_of_the_caller()
    {
        Assert.Throws<ArgumentNullException>(() => _tree.Leaf.Files.Read(null!));
        Assert.Throws<ArgumentNullException>(() => _tree.Leaf.Files.Write("memory.max", null!));
        using GroupFile file = _tree.Leaf.Files.Open("memory.max");
        Assert.Throws<ArgumentNullException>(() => file.Write(null!));
    }

    private static GroupFileException Error(Action action) => Assert.Throws<GroupFileException>(action);

    private static GroupFileException Error(Func<object> action) => Assert.Throws<GroupFileException>(action);

    private GroupFileException AssertError(GroupFileError expected, string name, Func<object> action)
    {
        GroupFileException error = Error(action);
        Assert.Equal(expected, error.Error);
        Assert.Equal(name, error.FileName);
        Assert.Same(_tree.Leaf, error.Group);
        Assert.Contains($"'{name}'", error.Message);
        Assert.Contains("/a/b", error.Message);
        Assert.Equal(0, error.ReclaimedBytes);
        return error;
    }
}
