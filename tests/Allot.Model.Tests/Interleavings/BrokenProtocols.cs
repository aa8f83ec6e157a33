// The canaries: protocols that look right and are not. The checker must reject each.

namespace Allot.Model.Tests.Interleavings;

/// <summary>Adds first and compares second: a charge that is about to fail stands above the limit for an
/// instant.</summary>
internal sealed class AddThenCompare(Run run) : CounterProtocol(run)
{
    protected override IEnumerable<Gate?> TryTakeRoom(Level level, long bytes, Result taken)
    {
        yield return null;
        long room = level.Room.Add(-bytes);
        level.Taken(bytes);
        taken.Value = room >= 0 ? 1 : 0;
        if (room >= 0) yield break;
        yield return null;
        level.Room.Add(bytes);
        level.Used.Value -= bytes;
    }
}

/// <summary>Keeps the limit in one word and the use in another: between reading one and writing the other the limit can
/// fall.</summary>
internal sealed class LimitAndUseInTwoWords(Run run) : CounterProtocol(run)
{
    protected override IEnumerable<Gate?> TryTakeRoom(Level level, long bytes, Result taken)
    {
        while (true)
        {
            yield return null;
            long used = level.Used.Read();
            yield return null;
            if (used + bytes > level.Max.Read()) yield break;
            yield return null;
            if (level.Used.CompareExchange(used + bytes, used) != used) continue;
            level.Room.Value -= bytes;   // this protocol has no room; keep the checker's view of it in step
            level.Taken(0);
            taken.Value = 1;
            yield break;
        }
    }

    public override IEnumerable<Gate?> SetMax(Level level, long max)
    {
        yield return null;
        level.Room.Value += max - level.Max.Value;
        level.Max.Write(max);
        level.Limit.Value = max;
    }
}

/// <summary>Believes the first look when it gives back: a limit change in between looks like an underflow.</summary>
internal sealed class NoSecondLookAtUnderflow(Run run) : CounterProtocol(run)
{
    protected override IEnumerable<Gate?> GiveRoom(Level level, long bytes, Result given)
    {
        while (true)
        {
            yield return null;
            long room = level.Room.Read();
            yield return null;
            long share = Math.Clamp(level.Max.Read() - room, 0, bytes);
            yield return null;
            if (level.Room.CompareExchange(room + share, room) != room) continue;
            level.Used.Value -= share;
            given.Value = share;
            yield break;
        }
    }
}

/// <summary>Reads the two words without looking at the version again.</summary>
internal sealed class NoSecondLookAtVersion(Run run) : CounterProtocol(run)
{
    protected override IEnumerable<Gate?> ReadUsed(Level level, Result used, Result maxBytes)
    {
        yield return null;
        long max = level.Max.Read();
        yield return null;
        long room = level.Room.Read();
        maxBytes.Value = max;
        used.Value = max - room;
    }
}

/// <summary>Changes limits without locking other changes out.</summary>
internal sealed class UnlockedLimitChange(Run run) : CounterProtocol(run)
{
    public override IEnumerable<Gate?> SetMax(Level level, long max)
    {
        yield return null;
        long difference = max - level.Max.Read();
        yield return null;
        level.Room.Add(difference);
        level.Limit.Value += difference;
        yield return null;
        level.Max.Write(max);
    }
}
