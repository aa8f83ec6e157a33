namespace Allot;

/// <summary>Checks of blocks that find who writes where it should not. They are for a search: each block costs a stack
/// trace, and more memory. Off unless switched on.</summary>
/// <remarks>
/// <para>The AppContext switch <c>Allot.BlockChecks</c> in <c>runtimeconfig.json</c>, or the environment variable
/// <c>ALLOT_BLOCK_CHECKS=1</c>, switches them on from the start.</para>
/// <para>A block is followed by a guard, looked at when it is freed. What is freed is filled with a pattern, kept back
/// for a while (up to 1 MiB of small blocks, and 64 MiB of those above 256 KiB, which nobody is charged for then), and
/// looked at when it is handed out again. New blocks are filled with another pattern. The group pays for the guard too;
/// what says how large a block or a buffer is leaves it out. What is found ends the process, as a second free does,
/// with the places where the block was allocated and freed. A second free and a free of what was not allocated are
/// found without the checks too; with them they are told with the places, for the last 4096 blocks that were kept back.
/// Two threads that free the same block at the same moment are certainly found with the checks only.</para>
/// </remarks>
public static class BlockChecks
{
    private static bool s_isEnabled = IsSwitchedOn();
    private static bool s_isRead;

    /// <summary>Whether the checks are on, for the whole process. It can be set until the first block is
    /// allocated.</summary>
    /// <exception cref="InvalidOperationException">Blocks have been allocated.</exception>
    public static bool IsEnabled
    {
        get => s_isEnabled;
        set
        {
            if (value == s_isEnabled) return;
            if (Volatile.Read(ref s_isRead))
            {
                throw new InvalidOperationException(
                    "The checks of blocks cannot be switched any more: blocks were allocated. Do it at the start.");
            }

            s_isEnabled = value;
        }
    }

    /// <summary>From here on they stay as they are.</summary>
    internal static bool Fix()
    {
        Volatile.Write(ref s_isRead, true);
        return s_isEnabled;
    }

    private static bool IsSwitchedOn() => AppContext.TryGetSwitch("Allot.BlockChecks", out bool isEnabled)
        ? isEnabled
        : Environment.GetEnvironmentVariable("ALLOT_BLOCK_CHECKS") is "1" or "true";
}
