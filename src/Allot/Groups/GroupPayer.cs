namespace Allot;

/// <summary>Has parents pay for the groups below them: of a higher layer, which knows how to charge.</summary>
internal abstract class GroupPayer
{
    /// <summary>Charges the parent for a group that is about to be created.</summary>
    /// <returns>False when the parent was removed or killed: nothing is charged. A limit that refuses throws.</returns>
    public abstract bool TryCharge(MemoryGroup parent, string name, long bytes);

    public abstract void Uncharge(MemoryGroup parent, long bytes);
}
