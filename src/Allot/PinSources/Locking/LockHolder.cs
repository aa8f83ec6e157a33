namespace Allot;

/// <summary>Somebody who holds locks: what he locks twice, he has locked once.</summary>
internal sealed class LockHolder
{
    public LockHolder(PinAccount account)
    {
        Account = account;
        Alone = [this];
    }

    public PinAccount Account { get; }

    /// <summary>The call that was begun last. Under the gate of the pages.</summary>
    public RangeCall? LastCall { get; set; }

    /// <summary>Whether it locks nothing any more. Under the gate of the pages.</summary>
    public bool IsClosed { get; set; }

    /// <summary>The holders of what nobody else holds.</summary>
    public LockHolder[] Alone { get; }
}
