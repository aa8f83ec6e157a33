using System.Runtime.ExceptionServices;

namespace Allot.Tests;

/// <summary>A thread that never had blocks of an allocator. Any other loses what it holds in advance when that
/// allocator is trimmed, which another test may do at any time.</summary>
internal static class FreshThread
{
    public static void Run(Action test)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(test)) { IsBackground = true };
        thread.Start();
        thread.Join();
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }
}
