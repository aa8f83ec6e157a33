namespace Allot.Bpf;

/// <summary>What the verifier knows at one point of one path through a program.</summary>
internal sealed class PathState
{
    public List<FrameState> Frames { get; private init; } = [];

    public FrameState Top => Frames[^1];

    /// <summary>The bytes that the memory of the run has at least, as far as the path has found out.</summary>
    public long MemoryBytes { get; set; }

    /// <summary>What helpers have reserved and must get back, and the instruction that asked them.</summary>
    public List<Reservation> Reservations { get; private init; } = [];

    /// <summary>The last step of the path: see <see cref="PathTrace"/>.</summary>
    public int Step { get; set; } = PathTrace.None;

    /// <summary>Instructions since its state was remembered.</summary>
    public int StepsSinceRemembered { get; set; }

    public long ScratchBytes => Frames.Count * FrameState.ScratchBytes;

    public PathState Copy() => new()
    {
        Frames = [.. Frames.Select(frame => frame.Copy())],
        MemoryBytes = MemoryBytes,
        Step = Step,
        StepsSinceRemembered = StepsSinceRemembered,
        Reservations = [.. Reservations],
    };

    public void ForEachRegister(Func<RegisterState, RegisterState> change)
    {
        foreach (FrameState frame in Frames) frame.ForEachRegister(change);
    }

    /// <summary>Whether what follows has been proven already, by a path that came by here and knew no more.</summary>
    /// <param name="seen">The state of that path.</param>
    /// <param name="marks">The numbers that matter; null for all.</param>
    /// <param name="liveness">Which registers are read from here on.</param>
    /// <param name="instruction">Where both are.</param>
    /// <param name="ids">Scratch.</param>
    public bool IsCoveredBy(
        PathState seen, PrecisionMarks? marks, BpfLiveness liveness, int instruction, IdPairs ids)
    {
        if (Frames.Count != seen.Frames.Count || MemoryBytes < seen.MemoryBytes) return false;
        if (Reservations.Count != seen.Reservations.Count) return false;
        ids.Clear();
        for (int reservation = 0; reservation < Reservations.Count; reservation++)
        {
            if (!ids.Pairs(seen.Reservations[reservation].Id, Reservations[reservation].Id)) return false;
        }

        for (int frame = Frames.Count - 1; frame >= 0; frame--)
        {
            int registers = marks?.Registers(frame) ?? ~0;
            ulong slots = marks?.Slots(frame) ?? ulong.MaxValue;
            int live = liveness.LiveAt(instruction);
            if (!Frames[frame].IsCoveredBy(seen.Frames[frame], live, registers, slots, ids)) return false;
            instruction = Frames[frame].ReturnTo;
        }

        return true;
    }

    internal readonly record struct Reservation(int Id, int Instruction);
}
