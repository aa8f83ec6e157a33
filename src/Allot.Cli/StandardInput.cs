using Allot.Processes.Native;

namespace Allot.Cli;

/// <summary>What the caller has given as standard input.</summary>
internal static class StandardInput
{
    private const int Descriptor = 0;

    /// <summary>Opens it for reading.</summary>
    /// <exception cref="IOException">It is closed.</exception>
    public static Stream Open()
    {
        // The runtime has opened something of its own there then, of which it lets no other program know. What a caller
        // gives never has that flag.
        int flags = LibC.Fcntl(Descriptor, LibC.F_GETFD, 0);
        bool isGiven = flags >= 0 && (flags & LibC.FD_CLOEXEC) == 0;
        return isGiven ? Console.OpenStandardInput() : throw new IOException("standard input is closed.");
    }
}
