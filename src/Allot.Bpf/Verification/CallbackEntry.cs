namespace Allot.Bpf;

/// <summary>What a function that a helper calls must leave as it was, and what it has for itself.</summary>
/// <param name="Borrowed">The id of the addresses that are good until it returns.</param>
/// <param name="Reservations">What was reserved when it was called.</param>
internal sealed record CallbackEntry(int Borrowed, PathState.Reservation[] Reservations)
{
    public static bool IsSame(CallbackEntry? seen, CallbackEntry? now, IdPairs ids)
    {
        if (seen is null || now is null) return seen is null && now is null;
        if (seen.Reservations.Length != now.Reservations.Length || !ids.Pairs(seen.Borrowed, now.Borrowed)) return false;
        for (int index = 0; index < seen.Reservations.Length; index++)
        {
            if (!ids.Pairs(seen.Reservations[index].Id, now.Reservations[index].Id)) return false;
        }

        return true;
    }
}
