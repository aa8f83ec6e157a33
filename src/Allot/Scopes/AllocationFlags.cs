using System.Diagnostics.CodeAnalysis;

namespace Allot;

/// <summary>What a request for memory asks for: permissions of the code that asks, attributes of the memory, and how
/// hard to try. The kernel says GFP flags.</summary>
/// <remarks>Attributes belong at the call. Permissions belong to the context: say <see cref="Kernel"/>, and let
/// <see cref="AllocationScope"/> take away what the context cannot permit.</remarks>
[Flags]
[SuppressMessage("Naming", "CA1711", Justification = "Flags is the word of the field.")]
public enum AllocationFlags
{
    /// <summary>Nothing is permitted but to take what is free.</summary>
    None = 0,

    // Permissions: what may be done to find room. Scopes remove them.

    /// <summary>Permission: input and output may be started. Of use only with <see cref="DirectReclaim"/>.</summary>
    Io = 1 << 0,

    /// <summary>Permission: the file system, or whatever else takes the locks of a storage engine, may be entered. Of
    /// use only with <see cref="DirectReclaim"/>.</summary>
    FileSystem = 1 << 1,

    /// <summary>Permission: the caller may reclaim and wait, so it may block.</summary>
    DirectReclaim = 1 << 2,

    /// <summary>Permission: a thread of the pool may be asked to reclaim. Never blocks.</summary>
    BackgroundReclaim = 1 << 3,

    /// <summary>Both ways to reclaim.</summary>
    Reclaim = DirectReclaim | BackgroundReclaim,

    // The reserve: passing a limit for a moment, which is counted.

    /// <summary>The request is urgent: it may pass a limit that refuses it.</summary>
    High = 1 << 4,

    /// <summary>The caller frees more soon: it may pass a limit that refuses it. Beaten by
    /// <see cref="NoReserve"/>.</summary>
    Reserve = 1 << 5,

    /// <summary>Never passes a limit by <see cref="High"/>, by <see cref="Reserve"/> or by a scope.</summary>
    NoReserve = 1 << 6,

    // How hard to try.

    /// <summary>One light attempt: reclaims once, kills nobody. The caller copes with refusal.</summary>
    NoRetry = 1 << 7,

    /// <summary>Reclaims as long as that helps, kills nobody. The caller copes with refusal.</summary>
    RetryMayFail = 1 << 8,

    /// <summary>The caller cannot cope with refusal: the limit is passed in the end. Needs
    /// <see cref="DirectReclaim"/>; inside of <see cref="AllocationScope.Atomic"/> it is an error at the
    /// call.</summary>
    MustSucceed = 1 << 9,

    // Attributes of the memory and of the call.

    /// <summary>Attribute: charged to the current group, where the call names none.</summary>
    Account = 1 << 10,

    /// <summary>Attribute: the memory may be moved later. Removed by <see cref="AllocationScope.NoPin"/>.</summary>
    Movable = 1 << 11,

    /// <summary>Attribute: a reclaimer can give it back.</summary>
    Reclaimable = 1 << 12,

    /// <summary>Attribute: filled with zeros (<c>GroupMemory.Allocate</c>).</summary>
    Zero = 1 << 13,

    /// <summary>Attribute: a tenant reaches it directly; the kernel says hardwall.</summary>
    UserVisible = 1 << 14,

    /// <summary>A refusal is expected: it is not reported.</summary>
    NoWarn = 1 << 15,

    /// <summary>This call is not part of the check of lock order (<see cref="AllocationChecks"/>).</summary>
    NoOrderCheck = 1 << 16,

    // Composites: what calls say.

    /// <summary>Everything is permitted: the normal request.</summary>
    Kernel = Reclaim | Io | FileSystem,

    /// <summary><see cref="Kernel"/>, charged to the current group.</summary>
    KernelAccount = Kernel | Account,

    /// <summary>Cannot wait, and is urgent.</summary>
    Atomic = High | BackgroundReclaim,

    /// <summary>Cannot wait, and expects refusal.</summary>
    NoWait = BackgroundReclaim | NoWarn,

    /// <summary>May reclaim, but not by input or output. Prefer the scope.</summary>
    NoIo = Reclaim,

    /// <summary>May reclaim, but not by entering the file system. Prefer the scope.</summary>
    NoFs = Reclaim | Io,

    /// <summary>For a tenant's own use.</summary>
    User = Kernel | UserVisible,

    /// <summary>For a tenant's own use, and it may be moved.</summary>
    UserMovable = User | Movable,
}
