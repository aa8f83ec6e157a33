namespace Allot.Bpf;

/// <summary>What the verifier knows at one point of one path through a program.</summary>
internal sealed class PathState
{
    public List<FrameState> Frames { get; private init; } = [];

    public FrameState Top => Frames[^1];

    /// <summary>The bytes that the memory of the run has at least, as far as the path has found out.</summary>
    public long MemoryBytes { get; set; }

    /// <summary>What helpers have reserved and must get back.</summary>
    public List<int> Reservations { get; private init; } = [];

    public long ScratchBytes => Frames.Count * FrameState.ScratchBytes;

    public PathState Copy() => new()
    {
        Frames = [.. Frames.Select(frame => frame.Copy())],
        MemoryBytes = MemoryBytes,
        Reservations = [.. Reservations],
    };

    public void ForEachRegister(Func<RegisterState, RegisterState> change)
    {
        foreach (FrameState frame in Frames) frame.ForEachRegister(change);
    }

    /// <summary>Whether what follows has been proven already, by a path that came by here and knew no more.</summary>
    public bool IsCoveredBy(PathState seen, BpfLiveness liveness, int instruction, IdPairs ids)
    {
        if (Frames.Count != seen.Frames.Count || MemoryBytes < seen.MemoryBytes) return false;
        if (Reservations.Count != seen.Reservations.Count) return false;
        ids.Clear();
        for (int reservation = 0; reservation < Reservations.Count; reservation++)
        {
            if (!ids.Pairs(seen.Reservations[reservation], Reservations[reservation])) return false;
        }

        for (int frame = Frames.Count - 1; frame >= 0; frame--)
        {
            if (!Frames[frame].IsCoveredBy(seen.Frames[frame], liveness.LiveAt(instruction), ids)) return false;
            instruction = Frames[frame].ReturnTo;
        }

        return true;
    }
}
