namespace Allot.Bpf;

/// <summary>Which registers hold the same is told by numbers, which differ from path to path: two paths agree when each
/// number of one stands where one certain number of the other does.</summary>
internal sealed class IdPairs
{
    private readonly List<(int Seen, int Now)> _pairs = [];

    public void Clear() => _pairs.Clear();

    public bool Pairs(int seen, int now)
    {
        foreach ((int Seen, int Now) pair in _pairs)
        {
            if (pair.Seen == seen || pair.Now == now) return pair == (seen, now);
        }

        _pairs.Add((seen, now));
        return true;
    }
}
