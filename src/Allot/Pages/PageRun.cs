using System.Runtime.InteropServices;

namespace Allot;

/// <summary>What the arena knows of one unit. Only the first and the last unit of a free run are kept up to date; all
/// units of a run in use say <see cref="PageRunState.InUse"/> at its ends.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PageRun
{
    // The length of the run, at both of its ends.
    public int Units;

    // Neighbours in the list of free runs of this length and state; -1 for none. At the first unit.
    public int Next;
    public int Previous;

    // When it became free, or the longest of those that were joined to it, in ticks of Purge. At the first unit.
    public int FreeSince;

    public PageRunState State;
}

/// <summary>What a run of units is.</summary>
internal enum PageRunState
{
    /// <summary>Handed out, or not yet part of the arena.</summary>
    InUse,

    /// <summary>Free, and memory of the process: the next to be handed out.</summary>
    Dirty,

    /// <summary>Free, and given back to the system.</summary>
    Clean,
}
