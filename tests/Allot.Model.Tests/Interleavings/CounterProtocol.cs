// MemoryCounter, step by step: the same methods with the same names, a yield before each access to a shared word.
// Whoever changes the protocol there changes it here, and sees all interleavings checked.

namespace Allot.Model.Tests.Interleavings;

internal class CounterProtocol(Run run)
{
    protected Run Run => run;

    /// <summary>Charges every level or none; adds what stands at the end to <paramref name="standing"/>.</summary>
    public IEnumerable<Gate?> TryCharge(Level[] path, long bytes, Word standing)
    {
        for (int i = 0; i < path.Length; i++)
        {
            var taken = new Result();
            foreach (Gate? gate in TryTakeRoom(path[i], bytes, taken)) yield return gate;
            if (taken.Value != 0) continue;

            for (int j = 0; j < i; j++)
            {
                var given = new Result();
                foreach (Gate? gate in GiveRoom(path[j], bytes, given)) yield return gate;
                Run.Require(given.Value == bytes, "a refused charge gives all back (I5)");
            }

            yield break;
        }

        standing.Value += bytes;
    }

    /// <summary>Gives back on every level what was charged before.</summary>
    public IEnumerable<Gate?> Uncharge(Level[] path, long bytes, Word standing)
    {
        standing.Value -= bytes;   // from here on it is being given back
        foreach (Level level in path)
        {
            var given = new Result();
            foreach (Gate? gate in GiveRoom(level, bytes, given)) yield return gate;
            Run.Require(given.Value == bytes, "what was charged is there to give back: no false underflow");
        }
    }

    public IEnumerable<Gate?> ForceCharge(Level[] path, long bytes, Word standing)
    {
        foreach (Level level in path)
        {
            foreach (Gate? gate in ForceRoom(level, bytes)) yield return gate;
        }

        standing.Value += bytes;
    }

    public virtual IEnumerable<Gate?> SetMax(Level level, long max)
    {
        var version = new Result();
        foreach (Gate? gate in EnterLimitChange(level, version)) yield return gate;
        yield return null;
        long difference = max - level.Max.Read();
        yield return null;
        level.Room.Add(difference);
        level.Limit.Value = max;   // in force from this instant
        yield return null;
        level.Max.Write(max);
        yield return null;
        level.Version.Write(version.Value + 1);
    }

    /// <summary>Reads used and limit, and checks that they belonged together at some instant since it began.</summary>
    public IEnumerable<Gate?> Read(Level level)
    {
        Word instants = Run.NewWord(0);
        Run.AfterEveryStep(() => instants.Value |= level.Instant());
        var used = new Result();
        var max = new Result();
        yield return null;
        instants.Value = level.Instant();
        foreach (Gate? gate in ReadUsed(level, used, max)) yield return gate;
        bool wasTrue = Level.Contains(instants.Value, used.Value, max.Value);
        Run.Require(wasTrue, "what is read was true at some instant (I3)");
    }

    protected virtual IEnumerable<Gate?> TryTakeRoom(Level level, long bytes, Result taken)
    {
        yield return null;
        long room = level.Room.Read();
        while (bytes <= room)
        {
            yield return null;
            long seen = level.Room.CompareExchange(room - bytes, room);
            if (seen == room)
            {
                level.Taken(bytes);
                taken.Value = 1;
                yield break;
            }

            room = seen;
        }
    }

    protected virtual IEnumerable<Gate?> GiveRoom(Level level, long bytes, Result given)
    {
        yield return null;
        long room = level.Room.Read();
        while (true)
        {
            yield return null;
            long max = level.Max.Read();
            if (bytes > max - room) break;
            yield return null;
            long seen = level.Room.CompareExchange(room + bytes, room);
            if (seen == room)
            {
                level.Used.Value -= bytes;
                given.Value = bytes;
                yield break;
            }

            room = seen;
        }

        foreach (Gate? gate in GiveRoomUnderLimitLock(level, bytes, given)) yield return gate;
    }

    protected virtual IEnumerable<Gate?> ReadUsed(Level level, Result used, Result maxBytes)
    {
        while (true)
        {
            yield return () => !level.IsChanging;   // an odd version only makes the real loop turn once more
            long version = level.Version.Read();
            yield return null;
            long max = level.Max.Read();
            yield return null;
            long room = level.Room.Read();
            yield return null;
            if (level.Version.Read() != version) continue;
            maxBytes.Value = max;
            used.Value = max - room;
            yield break;
        }
    }

    private IEnumerable<Gate?> ForceRoom(Level level, long bytes)
    {
        while (true)
        {
            var used = new Result();
            var max = new Result();
            foreach (Gate? gate in ReadUsed(level, used, max)) yield return gate;
            long room = max.Value - used.Value;
            yield return null;
            if (level.Room.CompareExchange(room - bytes, room) == room) break;
        }

        level.Used.Value += bytes;
    }

    private static IEnumerable<Gate?> GiveRoomUnderLimitLock(Level level, long bytes, Result given)
    {
        var version = new Result();
        foreach (Gate? gate in EnterLimitChange(level, version)) yield return gate;
        yield return null;
        long max = level.Max.Read();
        yield return null;
        long room = level.Room.Read();
        while (true)
        {
            long share = Math.Clamp(max - room, 0, bytes);
            yield return null;
            long seen = level.Room.CompareExchange(room + share, room);
            if (seen == room)
            {
                level.Used.Value -= share;
                given.Value = share;
                break;
            }

            room = seen;
        }

        yield return null;
        level.Version.Write(version.Value + 1);
    }

    private static IEnumerable<Gate?> EnterLimitChange(Level level, Result version)
    {
        while (true)
        {
            yield return () => !level.IsChanging;
            long seen = level.Version.Read();
            yield return null;
            if (level.Version.CompareExchange(seen + 1, seen) != seen) continue;
            version.Value = seen + 1;
            yield break;
        }
    }

    protected sealed class Result
    {
        public long Value { get; set; }
    }
}
