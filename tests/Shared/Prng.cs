namespace Allot.Testing;

/// <summary>A small generator (SplitMix64) whose numbers are the same on every machine and version: a seed is a replay.
/// </summary>
internal sealed class Prng(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)(Next() % (ulong)bound);

    public bool OneIn(int chances) => Below(chances) == 0;

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>Mostly small, sometimes nothing, sometimes much.</summary>
    public long Bytes() => Below(20) switch
    {
        0 => 0,
        1 => Below(5_000),
        _ => 1 + Below(100),
    };
}
