// Numbers that stand for objects, where Linux has descriptors and ids: a map of maps is written with the number of a
// map, a storage is asked by the number of a socket.
//
// A number is given when it is first asked for, is never used again, and keeps nothing alive: both tables are weak, and
// the entry goes with the object.

using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Numbers for objects of the process, to be written into maps as Linux writes descriptors.</summary>
public static class MapHandles
{
    private static readonly ConditionalWeakTable<object, Handle> s_handles = [];
    private static readonly ConcurrentDictionary<uint, WeakReference<object>> s_objects = [];
    private static uint s_last;

    /// <summary>The number of an object: the same one as long as the object lives.</summary>
    /// <param name="target">A map, a group, a socket, a thread, a file: whatever a map is of.</param>
    /// <returns>A number above 0.</returns>
    public static uint Of(object target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return s_handles.GetValue(target, static each => new Handle(each)).Number;
    }

    /// <summary>The object of a number.</summary>
    /// <typeparam name="T">What it is to be.</typeparam>
    /// <param name="number">The number.</param>
    /// <param name="target">The object; null when false is returned.</param>
    /// <returns>False when no living object of this type has the number.</returns>
    public static bool TryFind<T>(uint number, [NotNullWhen(true)] out T? target)
        where T : class
    {
        target = null;
        if (s_objects.TryGetValue(number, out WeakReference<object>? found) && found.TryGetTarget(out object? any))
        {
            target = any as T;
        }

        return target is not null;
    }

    private sealed class Handle
    {
        public Handle(object target)
        {
            Number = Interlocked.Increment(ref s_last);
            s_objects[Number] = new WeakReference<object>(target);
        }

        ~Handle() => s_objects.TryRemove(Number, out _);

        public uint Number { get; }
    }
}
