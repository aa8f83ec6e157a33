// Where the open scopes of a thread were entered: only while the checks are on. Those of its flow know that themselves
// (FlowingScope.Entered).
//
// A scope is open if it is the innermost one, or the one that an open scope was entered in. So what is open is found by
// following the words from the innermost one outwards; whatever else was noted is old. Scopes that were entered while
// the checks were off are not noted: what is outside of them is not found, and no place is better than a wrong one.
//
// Taking a stack costs as much as the stack is deep. Code that enters a scope in each call of a recursion would pay for
// the square of its depth, so only the outermost scopes keep their place.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed class OpenScopes
{
    /// <summary>How many scopes that are open in each other know where they were entered.</summary>
    public const int StacksMax = 32;

    // By number of the thread: a guard that is left on another thread asks for its own. At most 2^16, and weak.
    private static readonly ConcurrentDictionary<ulong, WeakReference<OpenScopes>> s_threads = new();

    [ThreadStatic] private static OpenScopes? t_own;

    // The outermost first. Under its own lock, for the sake of other threads.
    private readonly List<Noted> _noted = [];

    /// <summary>A scope was entered by the caller.</summary>
    /// <remarks>Only this frame is left out of what is noted: in an optimized build the methods between the scope and
    /// whoever enters it are inlined, and to leave out more would leave out the place.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Note(ulong outer, ulong mine)
    {
        OpenScopes own = t_own ?? Create(mine);
        lock (own._noted)
        {
            own.DropLeft(outer);
            bool isKept = own._noted.Count < StacksMax;
            own._noted.Add(new(outer, mine, isKept ? new StackTrace(skipFrames: 1, fNeedFileInfo: true) : null));
        }
    }

    /// <summary>Allot itself has entered a scope, around code of others: no place, but what is outside is found.
    /// </summary>
    public static void NoteOwn(ulong outer, ulong mine)
    {
        OpenScopes own = t_own ?? Create(mine);
        lock (own._noted)
        {
            own.DropLeft(outer);
            own._noted.Add(new(outer, mine, Entered: null));
        }
    }

    /// <summary>Where the scope was entered that restricts this, be it one of the thread or of its flow; null when that
    /// is not known.</summary>
    public static StackTrace? FindSetter(AllocationRestrictions restriction) =>
        t_own?.FindThreadSetter(restriction) ?? FlowingScope.Innermost?.FindSetter(restriction)?.Entered;

    public static string DescribeSetter(AllocationRestrictions restriction) =>
        FindSetter(restriction) is { } entered ? $"\nThe scope was entered here:\n{entered}" : "";

    /// <summary>Where the scope was entered that has made the word, on whatever thread; nothing when that is not known.
    /// </summary>
    public static string Describe(string what, ulong word)
    {
        bool isKnown = s_threads.TryGetValue(ThreadContext.ThreadOf(word), out WeakReference<OpenScopes>? thread);
        return isKnown && thread!.TryGetTarget(out OpenScopes? scopes) && scopes.FindPlace(word) is { } entered
            ? $"\n{what} was entered here:\n{entered}"
            : "";
    }

    private static OpenScopes Create(ulong word)
    {
        var own = new OpenScopes();
        s_threads[ThreadContext.ThreadOf(word)] = new WeakReference<OpenScopes>(own);
        return t_own = own;
    }

    private StackTrace? FindThreadSetter(AllocationRestrictions restriction)
    {
        ulong open = ThreadContext.Open;
        lock (_noted)
        {
            for (int i = _noted.Count - 1; i >= 0; i--)
            {
                Noted noted = _noted[i];
                if (noted.Mine != open) continue;
                if (!Restricts(noted.Mine, restriction)) return null;
                if (!Restricts(noted.Outer, restriction)) return noted.Entered;
                open = noted.Outer;
            }
        }

        return null;
    }

    private StackTrace? FindPlace(ulong word)
    {
        lock (_noted) return _noted.Find(noted => noted.Mine == word).Entered;
    }

    private void DropLeft(ulong innermost)
    {
        while (_noted.Count > 0 && ThreadContext.TokenOf(_noted[^1].Mine) > ThreadContext.TokenOf(innermost))
        {
            _noted.RemoveAt(_noted.Count - 1);
        }
    }

    private static bool Restricts(ulong word, AllocationRestrictions restriction) =>
        ((AllocationRestrictions)word & restriction) != 0;

    private readonly record struct Noted(ulong Outer, ulong Mine, StackTrace? Entered);
}
