namespace Allot;

/// <summary>Counts of users, whose last one frees what they use: once 0, always 0.</summary>
internal static class UserCount
{
    /// <summary>One more user of what somebody uses.</summary>
    /// <returns>False when nobody uses it any more.</returns>
    public static bool TryAdd(ref int users)
    {
        int seen = Volatile.Read(ref users);
        while (seen > 0)
        {
            int before = Interlocked.CompareExchange(ref users, seen + 1, seen);
            if (before == seen) return true;
            seen = before;
        }

        return false;
    }
}
