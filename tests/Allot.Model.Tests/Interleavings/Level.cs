namespace Allot.Model.Tests.Interleavings;

/// <summary>The words of one MemoryCounter, and beside them the truth.</summary>
internal sealed class Level
{
    private readonly Run _run;

    public Level(Run run, long max, long used)
    {
        _run = run;
        Room = run.NewWord(max - used);
        Max = run.NewWord(max);
        Version = run.NewWord(0);
        Used = run.NewWord(used);
        Limit = run.NewWord(max);
        run.AfterEveryStep(() => run.Require(
            IsChanging || Max.Value - Room.Value == Used.Value, "outside of limit changes, max - room is the use"));
        run.Finally(() => !IsChanging, "the version is even at the end");
    }

    public Word Room { get; }

    public Word Max { get; }

    public Word Version { get; }

    /// <summary>Ghost: what is really used.</summary>
    public Word Used { get; }

    /// <summary>Ghost: the limit in force.</summary>
    public Word Limit { get; }

    public bool IsChanging => Version.Value % 2 != 0;

    /// <summary>A normal charge has just taken bytes: I1 must hold at this very instant.</summary>
    public void Taken(long bytes)
    {
        Used.Value += bytes;
        _run.Require(Used.Value <= Limit.Value, "I1: a normal charge never stands above the limit");
    }

    /// <summary>One bit for the pair of what is used and the limit.</summary>
    public long Instant() => 1L << (int)((Used.Value * 8) + Limit.Value);

    public static bool Contains(long instants, long used, long limit) =>
        used is >= 0 and < 8 && limit is >= 0 and < 8 && (instants & (1L << (int)((used * 8) + limit))) != 0;
}
