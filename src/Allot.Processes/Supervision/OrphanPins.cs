// Buffers registered with a ring stay pinned when the process that registered them dies while another still holds the
// ring's descriptor. The kernel then shows them in no process at all; here they stay charged until the last member of
// the group that holds a ring with buffers lets go of it.

using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>Pinned bytes whose owner is gone. Not thread-safe.</summary>
internal sealed class OrphanPins
{
    private readonly List<IoUringFile> _files = [];
    private readonly Dictionary<ulong, long> _bytesByRing = [];
    private long _lost;

    public long Bytes { get; private set; }

    /// <summary>Whether a process has died with bytes pinned that may still be held.</summary>
    public bool MayExist => _lost > 0;

    /// <summary>A process died with these bytes pinned. The next <see cref="Refresh"/> looks for who may hold
    /// them.</summary>
    public void OwnerDied(long pinnedBytes)
    {
        _lost += pinnedBytes;
    }

    /// <summary>Looks for the rings that still hold what was lost.</summary>
    /// <param name="memberIds">The processes of the group.</param>
    /// <param name="pinnedByLiving">What VmPin shows for them.</param>
    public void Refresh(List<int> memberIds, long pinnedByLiving)
    {
        _bytesByRing.Clear();
        foreach (int pid in memberIds)
        {
            if (!IoUringFiles.Read(pid, _files)) continue;
            foreach (IoUringFile file in _files) _bytesByRing[file.Inode] = file.BufferBytes;
        }

        // Rings of the living hold the buffers of the living first; what is left over has lost its owner.
        Bytes = Math.Clamp(_bytesByRing.Values.Sum() - pinnedByLiving, 0, _lost);
        if (Bytes == 0) _lost = 0;
    }
}
