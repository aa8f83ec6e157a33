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

    /// <summary>The holders of what nobody else holds.</summary>
    public LockHolder[] Alone { get; }
}
