namespace Allot.Bpf;

/// <summary>With what a helper calls a function of the program.</summary>
internal enum BpfCallback
{
    /// <summary>It calls none.</summary>
    None,

    /// <summary>The number of the call, and the context.</summary>
    Count,

    /// <summary>The map, a key, its value, and the context.</summary>
    Element,

    /// <summary>A dynamic pointer to a record, and the context.</summary>
    Record,
}
