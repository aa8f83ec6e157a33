using System.Runtime.InteropServices;

namespace Allot.Tests.Maps.Lru;

/// <summary>A thread on the first processor that it may use: what it does to a map that knows processors is the same
/// each time.</summary>
internal static unsafe partial class PinnedThread
{
    private const int MaskBytes = 128;

    /// <summary>Runs an action to its end there, or skips the test where that is not possible.</summary>
    public static void Run(Action body)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Threads are pinned to processors by a call of Linux.");
        Exception? failure = null;
        bool isPinned = false;
        var thread = new Thread(() =>
        {
            try
            {
                isPinned = TryPin();
                if (isPinned) body();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw new InvalidOperationException($"On its thread: {failure.Message}", failure);
        Assert.SkipUnless(isPinned, "The system does not pin threads.");
    }

    private static bool TryPin()
    {
        byte* mask = stackalloc byte[MaskBytes];
        if (GetAffinity(0, MaskBytes, mask) < 0) return false;
        int first = 0;
        while (first < MaskBytes * 8 && (mask[first / 8] & (1 << (first % 8))) == 0) first++;
        new Span<byte>(mask, MaskBytes).Clear();
        mask[first / 8] = (byte)(1 << (first % 8));
        return SetAffinity(0, MaskBytes, mask) == 0;
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint bytes, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint bytes, byte* mask);
}
