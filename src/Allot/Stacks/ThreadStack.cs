// How large stacks are, asked of the system: on a thread, for that thread. What a thread has by default depends on
// ulimit, on settings of the runtime and on the C library, so one is started once to see.
//
// The C library may give it a larger stack that it has kept. So the default is the lowest that was ever seen.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

internal static partial class ThreadStack
{
    /// <summary>The least that threads are started with: with much less, the runtime's own frames overflow.</summary>
    public const int LeastBytes = 64 << 10;

    // Where the system does not say: what the runtime asks for where it decides itself.
    private const int AssumedBytes = 1536 << 10;

    // glibc needs 56 or 64 bytes for attributes, musl 56.
    private const int AttributeBytes = 256;

    // What the size of a stack is rounded up to: pages, on Windows the steps in which it hands out address space. There
    // the guard is a part of the size.
    private static readonly long s_stepBytes = OperatingSystem.IsWindows() ? 64 << 10 : Environment.SystemPageSize;

    private static readonly SteadyLock s_lock = new();

    // 0 until asked; then with the guard. Written under s_lock, or by a thread that has seen less.
    private static long s_defaultBytes;
    private static long s_guardBytes;

    /// <summary>What a thread has when nothing is asked for, without its guard.</summary>
    public static long DefaultBytes
    {
        get
        {
            AskOnce();
            return Volatile.Read(ref s_defaultBytes) - s_guardBytes;
        }
    }

    /// <summary>What a stack takes, as far as can be said before there is one, its guard included.</summary>
    /// <param name="askedBytes">The size that is asked for; 0 for the default.</param>
    public static long ChargeFor(int askedBytes)
    {
        AskOnce();
        if (askedBytes == 0) return Volatile.Read(ref s_defaultBytes);
        return ((Math.Max(askedBytes, LeastBytes) + s_stepBytes - 1) / s_stepBytes * s_stepBytes) + s_guardBytes;
    }

    /// <summary>What the stack of the calling thread takes, its guard included.</summary>
    /// <param name="askedBytes">The size that was asked for; 0 for the default.</param>
    /// <returns>0 where the system does not say.</returns>
    public static long MeasureOwn(int askedBytes)
    {
        long real = Measure(out _);
        bool isLower = askedBytes == 0 && real > 0 && real < Volatile.Read(ref s_defaultBytes);
        if (isLower) Volatile.Write(ref s_defaultBytes, real);
        return real;
    }

    private static void AskOnce()
    {
        if (Volatile.Read(ref s_defaultBytes) > 0) return;
        using (s_lock.EnterScope())
        {
            if (s_defaultBytes > 0) return;
            (long bytes, s_guardBytes) = Ask();
            Volatile.Write(ref s_defaultBytes, bytes);
        }
    }

    private static (long Bytes, long Guard) Ask()
    {
        long bytes = 0, guard = 0;
        var thread = new Thread(() => bytes = Measure(out guard)) { IsBackground = true };
        try
        {
            thread.UnsafeStart();
        }
        catch (OutOfMemoryException failure)
        {
            throw new InsufficientMemoryException("The system could not make a thread to see its stack.", failure);
        }

        JoinSteadily(thread);
        return bytes > 0 ? (bytes, guard) : (AssumedBytes, 0);
    }

    // Whoever wanted to interrupt the caller did not mean this wait.
    private static void JoinSteadily(Thread thread)
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                thread.Join();
                if (wasInterrupted) Thread.CurrentThread.Interrupt();
                return;
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }
    }

    // The stack of the calling thread with its guard; 0 when the system does not say.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Measure(out long guardBytes)
    {
        guardBytes = 0;
        if (OperatingSystem.IsWindows()) return MeasureOnWindows();
        if (OperatingSystem.IsMacOS()) return (long)StackSizeOnMac(Self());
        return OperatingSystem.IsLinux() ? MeasureOnLinux(out guardBytes) : 0;
    }

    private static unsafe long MeasureOnLinux(out long guardBytes)
    {
        guardBytes = 0;
        long* attributes = stackalloc long[AttributeBytes / sizeof(long)];
        if (AttributesOf(Self(), attributes) != 0) return 0;
        nuint size = 0, guard = 0;
        bool isKnown = StackOf(attributes, out _, out size) == 0 && GuardOf(attributes, out guard) == 0;
        _ = Destroy(attributes);
        guardBytes = (long)guard;
        return isKnown ? (long)(size + guard) : 0;
    }

    // All that is reserved, the guard included.
    private static long MeasureOnWindows()
    {
        LimitsOnWindows(out nuint low, out nuint high);
        Debug.Assert(low < high, "A stack has a size.");
        return (long)(high - low);
    }

    [LibraryImport("libc", EntryPoint = "pthread_self")]
    private static partial nint Self();

    [LibraryImport("libc", EntryPoint = "pthread_getattr_np")]
    private static unsafe partial int AttributesOf(nint thread, long* attributes);

    [LibraryImport("libc", EntryPoint = "pthread_attr_getstack")]
    private static unsafe partial int StackOf(long* attributes, out nint lowest, out nuint bytes);

    [LibraryImport("libc", EntryPoint = "pthread_attr_getguardsize")]
    private static unsafe partial int GuardOf(long* attributes, out nuint bytes);

    [LibraryImport("libc", EntryPoint = "pthread_attr_destroy")]
    private static unsafe partial int Destroy(long* attributes);

    [LibraryImport("libc", EntryPoint = "pthread_get_stacksize_np")]
    private static partial nuint StackSizeOnMac(nint thread);

    [LibraryImport("kernel32", EntryPoint = "GetCurrentThreadStackLimits")]
    private static partial void LimitsOnWindows(out nuint low, out nuint high);
}
