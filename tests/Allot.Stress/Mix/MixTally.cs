namespace Allot.Stress.Mix;

/// <summary>What one thread has done, by name; and all threads together.</summary>
internal sealed class MixTally
{
    private readonly SortedDictionary<string, long> _counts = [];

    public long this[string what] => _counts.GetValueOrDefault(what);

    public long Total => _counts.Values.Sum();

    public void Count(string what, long times = 1) => _counts[what] = this[what] + times;

    public void Add(MixTally other)
    {
        foreach ((string what, long times) in other._counts) Count(what, times);
    }

    public override string ToString() => string.Join(", ", _counts.Select(count => $"{count.Value} {count.Key}"));
}
