namespace Allot.Maps;

/// <summary>How far a table of functions is, with the numbers of Linux.</summary>
public enum StructOpsState
{
    /// <summary>It was not written yet.</summary>
    Init = 0,

    /// <summary>It is registered: its functions are called.</summary>
    InUse = 1,

    /// <summary>It was unregistered, and is done with.</summary>
    ToBeFreed = 2,

    /// <summary>It was written, and waits to be attached.</summary>
    Ready = 3,
}
