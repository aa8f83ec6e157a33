namespace Allot;

/// <summary>How the buffers of a group are had.</summary>
public sealed class GroupBufferOptions
{
    // Those of most buffers, once.
    private static readonly GroupBufferOptions s_user = new();

    /// <summary>The kind of memory that the group pays for. Default: <see cref="MemoryKind.User"/>.</summary>
    public MemoryKind Kind { get; init; } = MemoryKind.User;

    /// <summary>How they are held from their first moment to their last, for which the group pays with its pins; null
    /// for not at all. Default: null.</summary>
    /// <remarks><see cref="PinKind.Locked"/>: their pages are never swapped out; a page is paid for once, also where
    /// buffers share it. <see cref="PinKind.Pinned"/>: they are for who wants an address that lasts, a device for
    /// instance; they pay for their bytes, and the operating system is not asked.</remarks>
    public PinKind? HeldAs { get; init; }

    /// <summary>What may be done to find room, for a writer, a stream and a pool that is not told at the call; the
    /// scopes around it can only permit less. With <see cref="AllocationFlags.Zero"/>, what is new is zeros. Who pays
    /// is not theirs to say. Default: <see cref="AllocationFlags.Kernel"/>, as for <c>Charge</c>.</summary>
    public AllocationFlags Flags { get; init; } = AllocationFlags.Kernel;

    internal static GroupBufferOptions Of(MemoryKind kind) => kind == s_user.Kind ? s_user : new() { Kind = kind };

    internal void Validate()
    {
        GroupCharging.ValidateKind(Kind);
        AllocationContext.Validate(Flags);
        if (HeldAs is { } held) GroupPinning.ValidateKind(held);
    }
}
