namespace Allot.Processes.Supervision;

/// <summary>How often which call was refused with which error. Not thread-safe.</summary>
internal sealed class RefusalCounts
{
    private readonly Dictionary<(string Call, int Errno), long> _counts = [];

    public void Count(string call, int errno)
    {
        _counts.TryGetValue((call, errno), out long count);
        _counts[(call, errno)] = count + 1;
    }

    /// <summary>The counts, most frequent first.</summary>
    public IReadOnlyList<(string Call, int Errno, long Count)> Read() =>
    [
        .. _counts.Select(static pair => (pair.Key.Call, pair.Key.Errno, pair.Value))
            .OrderByDescending(static row => row.Value)
            .ThenBy(static row => row.Call, StringComparer.Ordinal),
    ];
}
