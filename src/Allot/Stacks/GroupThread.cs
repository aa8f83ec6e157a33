// Threads of groups: the stack is charged before there is a thread, so that no room means no thread.
//
// Order. All managed objects first, then the charge, then the thread: after the charge one thing can fail, and then the
// charge goes back (I5). From its first line on the thread owns the charge (GroupStack), and gives it back in its last.

namespace Allot;

/// <summary>Threads that a group pays for: their stacks are charged to it, as kernel memory, before they exist.
/// </summary>
/// <remarks>All methods may be used from any thread. What is charged is all that the stack can grow to, because nobody
/// is asked when it does: its size, rounded as the system does, and the guard below it. On its thread the group is the
/// current one. The bytes are back when <see cref="Thread.Join()"/> returns: the thread gives them back in its last
/// managed frame, some microseconds before the system has taken the stack.</remarks>
public static class GroupThread
{
    /// <summary>The size of a stack that is not asked for, in bytes: what the threads of this process have by default.
    /// On Linux mostly 8 MiB, from <c>ulimit -s</c>.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for a thread, which it takes to find
    /// out, once.</exception>
    public static long DefaultStackBytes => ThreadStack.DefaultBytes;

    /// <summary>Starts a thread, and charges the group for its stack. Like <c>Charge</c>, it reclaims where a limit
    /// refuses, and may block for that.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="start">What the thread does. What it throws is unhandled, as that of any thread.</param>
    /// <param name="stackBytes">The size of the stack, at least 64 KiB; 0 for <see cref="DefaultStackBytes"/>.</param>
    /// <returns>The thread, which has begun.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the group
    /// has ended: there is no thread, and nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system could not make the thread; nothing is charged.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public static Thread Start(MemoryGroup group, ThreadStart start, int stackBytes = 0) =>
        Start(group, new GroupThreadOptions { StackBytes = stackBytes }, start);

    /// <summary>The same for a thread that is not like most.</summary>
    /// <inheritdoc cref="Start(MemoryGroup, ThreadStart, int)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="options">Its stack, its name, and what else it is like.</param>
    /// <param name="start">What the thread does. What it throws is unhandled, as that of any thread.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public static Thread Start(MemoryGroup group, GroupThreadOptions options, ThreadStart start)
    {
        var stack = new GroupStack(group, options, start);
        stack.Charge();
        stack.StartThread(WayToStart(options));
        return stack.Thread;
    }

    /// <summary>Starts a thread if the group can pay for its stack at once: it never reclaims and never waits for room.
    /// </summary>
    /// <param name="group">Who pays.</param>
    /// <param name="options">Its stack, its name, and what else it is like.</param>
    /// <param name="start">What the thread does. What it throws is unhandled, as that of any thread.</param>
    /// <param name="refusal">When null is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>The thread, which has begun; null when a limit refused or the group has ended.</returns>
    /// <exception cref="InsufficientMemoryException">The system could not make the thread; nothing is charged.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public static Thread? TryStart(
        MemoryGroup group, GroupThreadOptions options, ThreadStart start, out ChargeRefusal refusal)
    {
        var stack = new GroupStack(group, options, start);
        if (!stack.TryCharge(out refusal)) return null;
        stack.StartThread(WayToStart(options));
        return stack.Thread;
    }

    private static Action<Thread> WayToStart(GroupThreadOptions options) => options.FlowsContext
        ? static thread => thread.Start()
        : static thread => thread.UnsafeStart();

    extension(MemoryGroup group)
    {
        /// <summary>The threads of the group and its descendants, and the bytes of their stacks.</summary>
        public GroupThreadStat ReadThreadStat() => StackTally.Read(group);
    }
}
