// Buffers that count once for a group, however often they are pinned. The first pin charges, the last one gives back.
// The kernel cannot do that: it has no map from a page to the groups that pin it. In a process a buffer is an object.

namespace Allot;

internal static class UniquePins
{
    private static readonly SteadyLock s_gate = new();

    // Under the gate: what is pinned now. The count of each is 1 or more.
    private static readonly Dictionary<(MemoryGroup Group, object Buffer), Entry> s_entries = new(new SameObjects());

    /// <summary>Charges the group unless it has this buffer pinned already.</summary>
    /// <returns>The account that holds it; give it back with <see cref="Unpin"/>.</returns>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed.</exception>
    public static PinAccount Pin(MemoryGroup group, object buffer, long bytes, PinAccountOptions options)
    {
        using (ReportingScope.Enter(s_gate))
        {
            if (s_entries.TryGetValue((group, buffer), out Entry? entry))
            {
                entry.Account.PinAgain();
            }
            else
            {
                var account = new PinAccount(group, options);
                account.Pin(bytes);
                entry = new Entry(account);
                s_entries.Add((group, buffer), entry);
            }

            entry.Count++;
            return entry.Account;
        }
    }

    /// <summary>Ends one pin.</summary>
    /// <returns>Whether it was the last one, and the bytes were given back.</returns>
    public static bool Unpin(MemoryGroup group, object buffer)
    {
        using (ReportingScope.Enter(s_gate))
        {
            Entry entry = s_entries[(group, buffer)];
            if (--entry.Count > 0) return false;
            s_entries.Remove((group, buffer));
            entry.Account.Dispose();
            return true;
        }
    }

    private sealed class Entry(PinAccount account)
    {
        public PinAccount Account { get; } = account;

        public int Count { get; set; }
    }

    // What a buffer says of its equality is foreign code.
    private sealed class SameObjects : IEqualityComparer<(MemoryGroup Group, object Buffer)>
    {
        public bool Equals((MemoryGroup Group, object Buffer) x, (MemoryGroup Group, object Buffer) y) =>
            x.Group == y.Group && ReferenceEquals(x.Buffer, y.Buffer);

        public int GetHashCode((MemoryGroup Group, object Buffer) pin) => HashCode.Combine(
            System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(pin.Group),
            System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(pin.Buffer));
    }
}
