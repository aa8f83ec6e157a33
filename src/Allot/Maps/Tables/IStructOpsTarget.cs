namespace Allot.Maps;

/// <summary>What calls the functions of a table: a part of the host that can be given its behaviour.</summary>
public interface IStructOpsTarget
{
    /// <summary>Takes a table into use, as a whole.</summary>
    /// <param name="functions">The functions by index; null where there is none. They stay as they are.</param>
    /// <param name="data">What else the host has written, until this returns.</param>
    /// <returns>False when it cannot be used.</returns>
    bool TryRegister(IReadOnlyList<Delegate?> functions, ReadOnlySpan<byte> data);

    /// <summary>Calls none of the functions any more, once this has returned.</summary>
    void Unregister();
}
