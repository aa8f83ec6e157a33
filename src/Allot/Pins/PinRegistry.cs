// All accounts of the process that hold something, and some that hold nothing at the moment. They are in several lists,
// so that threads that pin and unpin do not meet at one lock. Reading walks them all: that is for reports.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal static class PinRegistry
{
    private const int Lists = 16;   // a power of 2

    private static readonly PinList[] s_lists = [.. Enumerable.Range(0, Lists).Select(_ => new PinList())];

    /// <summary>Whether it is recorded where in the program accounts begin to hold something.</summary>
    public static bool RecordsPlaces { get; set; }

    /// <summary>The account holds something from now on. It is listed, if it is not yet.</summary>
    public static void Begin(PinAccount account, TimeProvider time)
    {
        ref PinListing listing = ref account.Listing;
        listing.Since = PinClock.Now(time);
        if (listing.Time != time) listing.Time = time;
        if (RecordsPlaces) listing.Place = Here();
        else if (listing.Place is not null) listing.Place = null;
        if (listing.IsListed) return;
        listing.List = Environment.CurrentManagedThreadId & (Lists - 1);
        s_lists[listing.List].Add(account);
    }

    public static void Remove(PinAccount account)
    {
        Debug.Assert(account.Listing.IsListed, "What is removed was listed.");
        s_lists[account.Listing.List].Remove(account);
    }

    /// <summary>A copy of the lists: each of one instant.</summary>
    private static List<PinAccount> Snapshot()
    {
        List<PinAccount> accounts = [];
        foreach (PinList list in s_lists) list.CopyTo(accounts);
        accounts.Reverse();   // who comes is listed first
        return accounts;
    }

    /// <summary>Those that are charged to a group or below it, in each list the oldest first. A removed group has
    /// nothing any more; what it held is its heir's.</summary>
    public static IEnumerable<PinAccount> SnapshotBelow(MemoryGroup group) => group.State == MemoryGroupState.Offline
        ? []
        : Snapshot().Where(account => IsAtOrAbove(group, account.Peek().Group));

    private static bool IsAtOrAbove(MemoryGroup group, MemoryGroup other)
    {
        for (MemoryGroup? level = other; level is not null; level = level.Parent)
        {
            if (level == group) return true;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string Here() => new StackTrace(skipFrames: 2, fNeedFileInfo: true).ToString();

    private sealed class PinList
    {
        private readonly SpinGate _gate = new();
        private PinAccount? _first;

        public void Add(PinAccount account)
        {
            using (_gate.EnterScope())
            {
                ref PinListing listing = ref account.Listing;
                listing.Next = _first;
                listing.Previous = null;
                if (_first is not null) _first.Listing.Previous = account;
                _first = account;
                listing.IsListed = true;
            }
        }

        public void Remove(PinAccount account)
        {
            using (_gate.EnterScope())
            {
                ref PinListing listing = ref account.Listing;
                if (listing.Previous is { } previous) previous.Listing.Next = listing.Next;
                else _first = listing.Next;
                if (listing.Next is { } next) next.Listing.Previous = listing.Previous;
                listing.Next = listing.Previous = null;
                listing.IsListed = false;
            }
        }

        public void CopyTo(List<PinAccount> accounts)
        {
            using (_gate.EnterScope())
            {
                for (PinAccount? account = _first; account is not null; account = account.Listing.Next)
                {
                    accounts.Add(account);
                }
            }
        }
    }
}
