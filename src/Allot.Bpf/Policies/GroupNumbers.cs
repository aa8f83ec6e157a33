// The numbers by which programs know groups. A group has none until a program is told about it, and neither table keeps
// one alive: the number goes with the group, when the garbage collector finds it.

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Allot.Bpf;

internal static class GroupNumbers
{
    private static readonly ConditionalWeakTable<MemoryGroup, Number> s_numbers = [];
    private static readonly ConcurrentDictionary<ulong, WeakReference<MemoryGroup>> s_groups = new();
    private static ulong s_last;

    public static ulong Of(MemoryGroup group) =>
        s_numbers.TryGetValue(group, out Number? number) ? number.Value : Give(group);

    /// <summary>The group; null when it is gone, or no group has the number.</summary>
    public static MemoryGroup? Find(ulong number) =>
        s_groups.TryGetValue(number, out WeakReference<MemoryGroup>? found)
            && found.TryGetTarget(out MemoryGroup? group)
            ? group
            : null;

    private static ulong Give(MemoryGroup group) =>
        s_numbers.GetValue(group, static group => new Number(group)).Value;

    private sealed class Number
    {
        public Number(MemoryGroup group)
        {
            Value = Interlocked.Increment(ref s_last);
            s_groups[Value] = new WeakReference<MemoryGroup>(group);
        }

        // Also of one that lost the race to be the group's.
        ~Number() => s_groups.TryRemove(Value, out _);

        public ulong Value { get; }
    }
}
