namespace Allot;

/// <summary>Who needs a device open: its owner, and each registration. The last of them closes it. Thread-safe.
/// </summary>
internal sealed class DeviceUses(Action close)
{
    private int _count = 1;   // the owner

    /// <returns>False when it is closed.</returns>
    public bool TryEnter() => UserCount.TryAdd(ref _count);

    public void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0) close();
    }
}
