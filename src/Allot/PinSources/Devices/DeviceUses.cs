namespace Allot;

/// <summary>Who needs a device open: its owner, and each registration. The last of them closes it. Thread-safe.
/// </summary>
internal sealed class DeviceUses(Action close)
{
    private int _count = 1;   // the owner

    /// <returns>False when it is closed.</returns>
    public bool TryEnter()
    {
        int count = Volatile.Read(ref _count);
        while (count > 0)
        {
            int before = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (before == count) return true;
            count = before;
        }

        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0) close();
    }
}
