namespace Allot.Processes.Native;

/// <summary>The signals this assembly names. They are the same on x86-64 and arm64.</summary>
internal static class SignalNumber
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGUSR2 = 12;
    public const int SIGPIPE = 13;
    public const int SIGTERM = 15;
    public const int SIGCHLD = 17;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    public const int SIGTSTP = 20;
    public const int SIGTTIN = 21;
    public const int SIGTTOU = 22;
    public const int SIGWINCH = 28;

    /// <summary>The highest signal number.</summary>
    public const int Highest = 64;

    /// <summary>The bit of a signal in the 64-bit masks of the kernel and of <c>/proc</c>.</summary>
    public static ulong Bit(int signal) => 1UL << (signal - 1);
}
