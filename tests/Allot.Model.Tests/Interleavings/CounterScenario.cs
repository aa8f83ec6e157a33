namespace Allot.Model.Tests.Interleavings;

/// <summary>Two levels and some actors on them, written as text: <c>charge2 uncharge2 upper=1 read</c>.</summary>
/// <remarks>
/// <para>The lower level has a limit of 6, the upper one of 4: a charge can be agreed to below and refused
/// above.</para>
/// <para>Every <c>uncharge</c> owns bytes from the start, so it is never a mistake.</para>
/// </remarks>
internal sealed class CounterScenario
{
    private const int LowerMax = 6;
    private const int UpperMax = 4;

    private readonly Run _run;
    private readonly CounterProtocol _protocol;
    private readonly Level _lower;
    private readonly Level _upper;
    private readonly Word _standing;

    private CounterScenario(Run run, string actors, Func<Run, CounterProtocol> protocol)
    {
        string[] names = actors.Split(' ');
        long used = names.Where(name => name.StartsWith("uncharge", StringComparison.Ordinal)).Sum(Number);
        _run = run;
        _protocol = protocol(run);
        _lower = new Level(run, LowerMax, used);
        _upper = new Level(run, UpperMax, used);
        _standing = run.NewWord(used);
        foreach (string name in names) run.Start(name, Steps(name));
        run.Finally(() => _lower.Used.Value == _standing.Value, "I4: the lower level ends with what stands");
        run.Finally(() => _upper.Used.Value == _standing.Value, "I4: the upper level ends with what stands");
    }

    public static Explorer Explore(string actors, Func<Run, CounterProtocol>? protocol = null) =>
        Explorer.Explore(run => _ = new CounterScenario(run, actors, protocol ?? (r => new CounterProtocol(r))));

    private IEnumerable<Gate?> Steps(string name)
    {
        Level[] path = [_lower, _upper];
        return name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7') switch
        {
            "charge" => _protocol.TryCharge(path, Number(name), _standing),
            "uncharge" => _protocol.Uncharge(path, Number(name), _standing),
            "force" => _protocol.ForceCharge(path, Number(name), _standing),
            "lower=" => _protocol.SetMax(_lower, Number(name)),
            "upper=" => _protocol.SetMax(_upper, Number(name)),
            "readlower" => _protocol.Read(_lower),
            "readupper" => _protocol.Read(_upper),
            _ => throw new ArgumentException($"'{name}' is not an actor.", nameof(name)),
        };
    }

    private static long Number(string name) => name[^1] - '0';
}
