using System.Reflection;

namespace Allot.Tests;

/// <summary>Every bad input has an error of its own that says what is wrong, and changes nothing.</summary>
public sealed class BadInputTests
{
    private readonly TreeOfThree _tree = new(leaf: new() { MaxBytes = 1_000, MinBytes = 100, LowBytes = 200 });

    private MemoryGroup Group => _tree.Leaf;

    public static TheoryData<Action<MemoryGroup, long>> Amounts => new(
    (Action<MemoryGroup, long>[])
    [
        (group, bytes) => group.TryCharge(MemoryKind.User, bytes, out _),
        (group, bytes) => group.Charge(MemoryKind.Kernel, bytes),
        (group, bytes) => group.ForceCharge(MemoryKind.User, bytes),
        (group, bytes) => group.Uncharge(MemoryKind.User, bytes),
        (group, bytes) => group.TryPin(PinKind.Locked, bytes, out _),
        (group, bytes) => group.ForcePin(PinKind.Pinned, bytes),
        (group, bytes) => group.Unpin(PinKind.Pinned, bytes),
        (group, bytes) => group.Hold(MemoryKind.User, bytes),
        (group, bytes) => group.ChargeAsync(MemoryKind.User, bytes).AsTask().GetAwaiter().GetResult(),
    ]);

    [Theory, MemberData(nameof(Amounts), DisableDiscoveryEnumeration = true)]
    public void A_negative_amount(Action<MemoryGroup, long> use) =>
        Assert.Contains("-1", AssertRefused<ArgumentOutOfRangeException>(() => use(Group, -1)).Message);

    [Theory, MemberData(nameof(Amounts), DisableDiscoveryEnumeration = true)]
    public void An_amount_that_could_make_a_sum_overflow(Action<MemoryGroup, long> use)
    {
        foreach (long bytes in (long[])[MemoryGroup.MaxChargeBytes + 1, long.MaxValue])
        {
            string message = AssertRefused<ArgumentOutOfRangeException>(() => use(Group, bytes)).Message;
            Assert.Contains($"{MemoryGroup.MaxChargeBytes}", message);
        }
    }

    [Fact]
    public void A_negative_limit()
    {
        Action<MemoryGroup>[] ways =
        [
            group => group.Memory.MaxBytes = -1,
            group => group.Kernel.MaxBytes = -1,
            group => group.Pins.MaxBytes = -1,
            group => group.HighBytes = -1,
            group => group.MinBytes = -1,
            group => group.LowBytes = -1,
        ];
        Assert.All(ways, way =>
            Assert.Contains("-1", AssertRefused<ArgumentOutOfRangeException>(() => way(Group)).Message));
    }

    [Fact]
    public void A_limit_below_the_protection()
    {
        ArgumentOutOfRangeException error =
            AssertRefused<ArgumentOutOfRangeException>(() => Group.Memory.MaxBytes = 199);
        Assert.Equal("MaxBytes", error.ParamName);
        Assert.StartsWith(
            "Cannot limit '/a/b' to 199 bytes: its LowBytes protects 200 bytes, and a group is protected at most as far "
                + "as it may use memory. Lower LowBytes first, or set Memory.MaxBytes to 200 or more.",
            error.Message);

        Group.LowBytes = 0;
        error = AssertRefused<ArgumentOutOfRangeException>(() => Group.Memory.MaxBytes = 0);
        Assert.StartsWith("Cannot limit '/a/b' to 0 bytes: its MinBytes protects 100 bytes", error.Message);
        Group.Memory.MaxBytes = 100;
    }

    [Theory, InlineData("MinBytes"), InlineData("LowBytes")]
    public void A_protection_above_the_limit(string property)
    {
        bool isMin = property == "MinBytes";
        string what = $"with {property}: its limit is 1000 bytes, and a group is protected at most as far as it may use "
            + $"memory. Raise Memory.MaxBytes first, or set {property} to 1000 or less.";
        ArgumentOutOfRangeException error = AssertRefused<ArgumentOutOfRangeException>(
            () => _ = isMin ? Group.MinBytes = 1_001 : Group.LowBytes = 1_001);
        Assert.Equal(property, error.ParamName);
        Assert.StartsWith($"Cannot protect 1001 bytes of '/a/b' {what}", error.Message);

        var options = new MemoryGroupOptions { MaxBytes = 1_000 };
        _ = isMin ? options.MinBytes = 1_001 : options.LowBytes = 1_001;
        error = AssertRefused<ArgumentOutOfRangeException>(() => Group.CreateChild("new", options));
        Assert.StartsWith($"Cannot protect 1001 bytes of '/a/b/new' {what}", error.Message);
        error = AssertRefused<ArgumentOutOfRangeException>(() => _tree.Root.CreateChild("new", options));
        Assert.StartsWith($"Cannot protect 1001 bytes of '/new' {what}", error.Message);
        error = AssertRefused<ArgumentOutOfRangeException>(() => _ = new MemoryController(options));
        Assert.StartsWith($"Cannot protect 1001 bytes of '/' {what}", error.Message);
    }

    [Fact]
    public void Of_a_limit_and_a_protection_that_race_one_is_refused()
    {
        for (int round = 0; round < 300; round++)
        {
            MemoryGroup group = _tree.Root.CreateChild($"g{round}");
            using var start = new Barrier(2);
            Exception?[] errors = new Exception?[2];
            var lowers = new Thread(() =>
            {
                start.SignalAndWait(TestContext.Current.CancellationToken);
                errors[0] = Record.Exception(() => group.Memory.MaxBytes = 10);
            });
            lowers.Start();
            start.SignalAndWait(TestContext.Current.CancellationToken);
            errors[1] = Record.Exception(() => group.MinBytes = 20);
            lowers.Join();
            Assert.IsType<ArgumentOutOfRangeException>(Assert.Single(errors, error => error is not null));
            Assert.InRange(group.MinBytes, 0, group.Memory.MaxBytes);
        }
    }

    [Fact]
    public void A_name_that_is_not_one() => Assert.All(
        (string[])["", ".", "..", "a/b", "a\nb", new string('x', 256)],
        name => AssertRefused<ArgumentException>(() => Group.CreateChild(name)));

    [Fact]
    public void A_name_that_is_taken()
    {
        InvalidOperationException error =
            AssertRefused<InvalidOperationException>(() => _tree.Root.CreateChild("a"));
        Assert.Equal("Cannot create 'a' below '/': it exists already.", error.Message);
    }

    [Fact]
    public void A_charge_to_a_removed_group()
    {
        MemoryGroup removed = _tree.Root.CreateChild("gone");
        removed.Remove();
        MemoryLimitExceededException error =
            AssertRefused<MemoryLimitExceededException>(() => removed.Charge(MemoryKind.User, 7));
        Assert.Equal("Cannot charge 7 bytes to '/gone' (memory): the group was removed.", error.Message);
        Assert.Equal(RefusalReason.GroupRemoved, error.Refusal.Reason);
        Assert.False(removed.TryCharge(MemoryKind.Kernel, 7, out _));
        Assert.False(removed.TryPin(PinKind.Locked, 7, out _));
        AssertRefused<InvalidOperationException>(() => removed.CreateChild("c"));
    }

    /// <summary>A cycle cannot be asked for. A group gets its parent when it is created, and nothing takes another one
    /// later: so a parent is always older than its children, and no group is above itself.</summary>
    [Fact]
    public void A_cycle_is_impossible_because_a_parent_is_given_once_at_creation()
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public
            | BindingFlags.DeclaredOnly;
        Assert.False(typeof(MemoryGroup).GetProperty(nameof(MemoryGroup.Parent))!.CanWrite);
        Assert.All(
            typeof(MemoryGroup).GetFields(Own).Where(field => field.FieldType == typeof(MemoryGroup)),
            field => Assert.True(field.IsInitOnly));
        Assert.All(
            typeof(MemoryCounter).GetFields(Own).Where(field => field.FieldType == typeof(MemoryCounter)),
            field => Assert.True(field.IsInitOnly));
        Assert.Empty(typeof(MemoryGroup).GetConstructors());
        Assert.DoesNotContain(
            typeof(MemoryGroup).GetMethods().Where(method => method.DeclaringType == typeof(MemoryGroup)),
            method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(MemoryGroup)));
    }

    private T AssertRefused<T>(Action use)
        where T : Exception
    {
        string before = _tree.Snapshot() + Protections();
        Exception thrown = Record.Exception(use)!;
        Assert.IsType<T>(thrown, exactMatch: false);
        Assert.NotEmpty(thrown.Message);
        Assert.Equal(before, _tree.Snapshot() + Protections());
        Assert.Empty(TreeWalk.FindViolations(_tree.Controller));
        return (T)thrown;

        string Protections() => string.Join(' ', _tree.Groups.Select(group =>
            $"{group.MinBytes}/{group.LowBytes}/{group.HighBytes}/{group.State}/{group.Children.Count}"));
    }
}
