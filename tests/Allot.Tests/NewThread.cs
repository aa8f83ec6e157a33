namespace Allot.Tests;

/// <summary>A thread that nobody has used before. It is inside of no scope, and has no blocks of an allocator: whoever
/// has them loses what it holds in advance when the allocator is trimmed, by another test too.</summary>
internal static class NewThread
{
    /// <summary>Runs to the end there; what it throws fails the test.</summary>
    public static void Do(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(action));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }
}
