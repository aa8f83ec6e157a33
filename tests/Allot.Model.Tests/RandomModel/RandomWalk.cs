using System.Globalization;
using System.Text.RegularExpressions;
using Allot.Testing;

namespace Allot.Model.Tests.RandomModel;

/// <summary>Random operations, each applied to two trees that must answer and look alike after every step.</summary>
/// <param name="seed">Decides every step.</param>
/// <param name="tree">The tree that is compared with the model.</param>
/// <param name="peaksSlackBytes">By how much a peak may be above the model's; never below.</param>
/// <param name="chargesGroups">Whether parents pay for the groups below them.</param>
internal sealed partial class RandomWalk(
    ulong seed, ITree tree, long peaksSlackBytes = 0, bool chargesGroups = false)
{
    private const int GroupsMax = 25;
    private const int HandlesMax = 40;
    private const int PeaksMax = 10;
    private const int TrailLength = 12;

    private readonly Prng _random = new(seed);
    private readonly ModelTree _model = new(chargesGroups);
    private readonly List<(int Group, Sort Sort, long Bytes)> _charged = [];
    private readonly Queue<string> _trail = [];

    /// <summary>Every answer there was, without its numbers: a walk that meets few of them proves little.</summary>
    public HashSet<string> AnswersMet { get; } = [];

    /// <summary>Walks, gives everything back, and returns the first difference; null when there was none.</summary>
    public string? Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            if (Step() is { } difference) return Explain(step, difference);
        }

        return GiveEverythingBack() is { } left ? Explain(steps, left) : null;
    }

    private string? Step() => _random.Below(100) switch
    {
        < 8 => CreateGroup(),
        < 13 => OnGroup("remove", static (t, group) => t.Remove(group)),
        < 21 => SetMax(),
        < 41 => Charge(force: false),
        < 49 => Charge(force: true),
        < 65 => UnchargeSome(),
        < 90 => OnHandles(),
        _ => OnPeaks(),
    };

    private string? CreateGroup()
    {
        int parent = AnyGroup();
        string name = $"g{_random.Below(6)}";   // few names, so that they are used again
        long[] limits = [AnyLimit(parent), AnyLimit(parent), AnyLimit(parent)];
        bool tooMany = _model.Groups.Count(group => group.IsOnline) >= GroupsMax;
        return tooMany ? null : Both($"create {name} below {parent}", t => t.Create(parent, name, limits));
    }

    private string? SetMax()
    {
        int group = AnyGroup();
        var counter = (CounterKind)_random.Below(3);
        long bytes = AnyLimit(group);
        return Both($"set {counter} of {group} to {bytes}", t => t.SetMax(group, counter, bytes));
    }

    private string? Charge(bool force)
    {
        int group = AnyGroup();
        var sort = (Sort)_random.Below(4);
        long bytes = _random.Bytes();
        string answer = "";
        string? difference = Both($"{(force ? "force" : "charge")} {bytes} {sort} to {group}", t =>
            answer = force ? t.ForceCharge(group, sort, bytes) : t.TryCharge(group, sort, bytes));
        if (answer == Answers.Done) _charged.Add((group, sort, bytes));
        return difference;
    }

    private string? UnchargeSome()
    {
        if (_charged.Count == 0) return null;
        int index = _random.Below(_charged.Count);
        (int group, Sort sort, long bytes) = _charged[index];
        long part = _random.OneIn(3) ? _random.Below((int)bytes + 1) : bytes;
        _charged[index] = (group, sort, bytes - part);
        if (part == bytes) _charged.RemoveAt(index);
        return Both($"uncharge {part} {sort} from {group}", t => t.Uncharge(group, sort, part));
    }

    private string? OnHandles()
    {
        int open = _model.Handles.Count(handle => !handle.IsDisposed);
        if (_model.Handles.Count == 0 || (open < HandlesMax && _random.OneIn(3)))
        {
            var kind = (MemoryKind)_random.Below(2);
            long first = _random.Bytes();
            return OnGroup($"hold {first} {kind}", (t, group) => t.Hold(group, kind, first));
        }

        // Mostly a recent handle; also disposed ones, which must refuse.
        int back = Math.Min(_model.Handles.Count, _random.OneIn(4) ? int.MaxValue : HandlesMax);
        int handle = _model.Handles.Count - 1 - _random.Below(back);
        long bytes = _random.Bytes();
        return _random.Below(6) switch
        {
            0 => Both($"grow {handle} by {bytes}", t => t.Grow(handle, bytes)),
            1 => Both($"shrink {handle} by {bytes}", t => t.Shrink(handle, bytes)),
            2 => Both($"resize {handle} to {bytes}", t => t.Resize(handle, bytes)),
            3 => OnGroup($"transfer {handle}", (t, target) => t.Transfer(handle, target)),
            _ => Both($"dispose {handle}", t => t.Dispose(handle)),
        };
    }

    private string? OnPeaks()
    {
        if (_model.Peaks.Count < PeaksMax)
        {
            var counter = (CounterKind)_random.Below(3);
            return OnGroup($"open a peak of {counter}", (t, group) => t.OpenPeak(group, counter));
        }

        int peak = _random.Below(_model.Peaks.Count);
        return _random.OneIn(10)
            ? Both($"close peak {peak}", t => t.ClosePeak(peak))
            : Both($"reset peak {peak}", t => t.ResetPeak(peak));
    }

    private string? GiveEverythingBack()
    {
        for (int handle = 0; handle < _model.Handles.Count; handle++)
        {
            int last = handle;
            if (Both($"finally dispose {last}", t => t.Dispose(last)) is { } difference) return difference;
        }

        foreach ((int group, Sort sort, long bytes) in _charged)
        {
            string name = $"finally uncharge {bytes} {sort} from {group}";
            string? difference = Both(name, t => t.Uncharge(group, sort, bytes));
            if (difference is not null) return difference;
        }

        foreach (ModelGroup group in _model.Groups.Where(group => chargesGroups && group.IsOnline).Reverse())
        {
            if (group.Parent is null) continue;   // children are younger than their parents: they went before
            string? difference = Both($"finally remove {group.Number}", t => t.Remove(group.Number));
            if (difference is not null) return difference;
        }

        bool zero = _model.Groups.All(group => group.Own.All(bytes => bytes == 0));
        return zero ? null : "Something is left at the end, in the model too.";
    }

    private string? OnGroup(string name, Func<ITree, int, string> operation)
    {
        int group = AnyGroup();
        return Both($"{name} on {group}", t => operation(t, group));
    }

    private string? Both(string name, Func<ITree, string> operation)
    {
        _trail.Enqueue(name);
        if (_trail.Count > TrailLength) _trail.Dequeue();
        string expected = operation(_model);
        AnswersMet.Add(string.Concat(expected.Where(c => !char.IsDigit(c))));
        return Difference("answer", expected, operation(tree)) ?? FirstDifference();
    }

    private string? FirstDifference()
    {
        return FirstOf("group", _model.Groups.Count, static (t, i) => t.ShowGroup(i))
            ?? FirstOf("handle", _model.Handles.Count, static (t, i) => t.ShowHandle(i))
            ?? FirstOf("peak", _model.Peaks.Count, static (t, i) => t.ShowPeak(i));

        string? FirstOf(string what, int count, Func<ITree, int, string> show)
        {
            for (int i = 0; i < count; i++)
            {
                if (Difference($"{what} {i}", show(_model, i), show(tree, i)) is { } difference) return difference;
            }

            return null;
        }
    }

    private string? Difference(string what, string expected, string actual) =>
        expected == actual || (peaksSlackBytes > 0 && DifferInPeaksOnly(what, expected, actual))
            ? null
            : $"{what}\n  model:  {expected}\n  engine: {actual}";

    private bool DifferInPeaksOnly(string what, string expected, string actual)
    {
        if (what.StartsWith("peak", StringComparison.Ordinal)) return IsNear(expected, actual);
        return Peak().Replace(expected, ")/") == Peak().Replace(actual, ")/")
            && Peak().Matches(expected).Zip(Peak().Matches(actual))
                .All(pair => IsNear(pair.First.Groups[1].Value, pair.Second.Groups[1].Value));
    }

    private bool IsNear(string expected, string actual)
    {
        long above = long.Parse(actual, CultureInfo.InvariantCulture) - long.Parse(expected, CultureInfo.InvariantCulture);
        return above >= 0 && above <= peaksSlackBytes;
    }

    [GeneratedRegex(@"\)/(\d+)/")]
    private static partial Regex Peak();

    // Also removed groups: handles and late owners still reach them.
    private int AnyGroup()
    {
        int recent = Math.Min(_model.Groups.Count, _random.OneIn(5) ? int.MaxValue : GroupsMax);
        return _random.OneIn(6) ? 0 : _model.Groups.Count - 1 - _random.Below(recent);
    }

    // Around what is used, so that limits act; also below it, zero and none.
    private long AnyLimit(int near)
    {
        long used = _model.Groups[near].Current(_random.Below(3));
        return _random.Below(6) switch
        {
            0 => 0,
            1 => used / 2,
            2 => used + _random.Below(200),
            3 => _random.Below(2_000),
            _ => MemoryGroup.Unlimited,
        };
    }

    private string Explain(int step, string difference) =>
        $"Seed {seed}, step {step}: {difference}\nThe last operations:\n  {string.Join("\n  ", _trail)}\n"
        + $"Replay: ALLOT_MODEL_SEED={seed} dotnet test --project tests/Allot.Model.Tests "
        + $"-- --filter-class *{nameof(RandomModelTests)}";
}
