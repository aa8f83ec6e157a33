// All accounts of the process that hold something. They are in several lists, so that threads that pin and unpin do not
// meet at one lock. Reading walks them all: that is for reports.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal static class PinRegistry
{
    private const int Lists = 16;   // a power of 2

    private static readonly PinList[] s_lists = [.. Enumerable.Range(0, Lists).Select(_ => new PinList())];

    /// <summary>Whether it is recorded where in the program accounts begin to hold something.</summary>
    public static bool RecordsPlaces { get; set; }

    public static void Add(PinAccount account, TimeProvider time)
    {
        ref PinListing listing = ref account.Listing;
        Debug.Assert(!listing.IsListed, "An account is listed once.");
        listing.Since = time.GetTimestamp();
        listing.List = Environment.CurrentManagedThreadId & (Lists - 1);
        listing.Place = RecordsPlaces ? Here() : null;
        s_lists[listing.List].Add(account);
    }

    public static void Remove(PinAccount account)
    {
        Debug.Assert(account.Listing.IsListed, "What is removed was listed.");
        s_lists[account.Listing.List].Remove(account);
    }

    /// <summary>A copy of the lists: each of one instant.</summary>
    public static List<PinAccount> Snapshot()
    {
        List<PinAccount> accounts = [];
        foreach (PinList list in s_lists) list.CopyTo(accounts);
        return accounts;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string Here() => new StackTrace(skipFrames: 2, fNeedFileInfo: true).ToString();

    private sealed class PinList
    {
        private readonly SteadyLock _gate = new();
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
