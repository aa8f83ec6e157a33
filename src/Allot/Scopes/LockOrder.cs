// The locks as the check of order sees them. The kernel's lockdep does the same with a lock that stands for reclaim.
//
// Two facts make a deadlock possible: a reclaimer waits for a lock, and the lock is held where memory is asked for in
// a way that may call that reclaimer. It is enough that both have happened once, anywhere, at any time, on whatever
// threads. Which reclaimers may be called depends on what the context forbids, so each fact is kept by needs (of the
// reclaimer) and by what was forbidden (at the request), and each by the tree that it was in: a request asks the
// reclaimers of its own tree.
//
// They need not be of the same lock. If the reclaimer waits for B, and somebody who holds B waits for A, then it waits
// for whoever holds A. That B was held where A was waited for is a third fact, an edge from B to A; a chain has one or
// two of them.
//
// What differs from the kernel: locks are told apart one by one and not by class, only what ends in reclaim is checked,
// and chains are bounded: two edges, and a few edges at each lock. One gate for all: this runs while checks are on.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed class LockOrder(string name)
{
    // From or to one lock. Enough for a hierarchy of locks; a lock that is held around thousands keeps these.
    private const int EdgesMax = 16;
    private const int ChainEdgesMax = 2;

    // Of one lock: a few per tree, for many trees.
    private const int PlacesMax = 64;

    // The permissions without which some reclaimers are not called.
    private const AllocationFlags Needs = AllocationFlags.Io | AllocationFlags.FileSystem;

    private static readonly Lock s_gate = new();

    // The locks that this thread holds, the innermost last, while the checks are on.
    [ThreadStatic] private static List<LockOrder>? t_held;

    // What stands for a tree, and does not keep it alive.
    private static readonly ConditionalWeakTable<MemoryController, object> s_trees = [];

    // The reclaimer that this thread is in; the tree is null outside of reclaimers.
    [ThreadStatic] private static Where t_reclaimer;

    // Of what needs, and with what permissions; and in which tree. Under the gate.
    private readonly Dictionary<Where, string> _inReclaimers = [];
    private readonly Dictionary<Where, string> _aroundRequests = [];
    private bool _isReported;

    // The locks that were waited for while this one was held, and those that were held while this one was. Under the
    // gate.
    private List<Edge>? _inside;
    private List<Edge>? _outside;

    /// <summary>This thread calls a reclaimer.</summary>
    /// <param name="needs">What it needs.</param>
    /// <param name="tree">The tree that it gives memory back in.</param>
    public static void EnterReclaimer(AllocationFlags needs, MemoryController tree) =>
        t_reclaimer = new Where(needs, TreeOf(tree));

    public static void LeaveReclaimer() => t_reclaimer = default;

    /// <summary>This thread may ask for memory here, and reclaim for it.</summary>
    /// <param name="permitted">What the context permits.</param>
    /// <param name="tree">Whose reclaimers may be called; of any tree when null.</param>
    public static void NoteAllocation(AllocationFlags permitted, MemoryController? tree)
    {
        if (t_held is not { Count: > 0 } held) return;
        var where = new Where(permitted & Needs, tree is null ? null : TreeOf(tree));
        foreach (LockOrder order in held) order.NoteRequest(where);
    }

    /// <summary>This thread is about to wait for the lock: noted before it does, so that who hangs was reported. Who
    /// only tries gives up instead, and is no part of a deadlock.</summary>
    public void NoteWanted()
    {
        if (t_reclaimer is { Tree: not null } reclaimer) NoteReclaimer(reclaimer);
        if (t_held is not { Count: > 0 } held || held.Contains(this)) return;
        foreach (LockOrder outer in held) NoteInside(outer);
    }

    /// <summary>This thread has taken the lock.</summary>
    public void NoteTaken() => (t_held ??= []).Add(this);

    public void NoteLeft()
    {
        if (t_held is { } held && held.LastIndexOf(this) is >= 0 and int index) held.RemoveAt(index);
    }

    private void NoteReclaimer(Where reclaimer)
    {
        List<AllocationReport> found = [];
        lock (s_gate)
        {
            if (_inReclaimers.ContainsKey(reclaimer) || _inReclaimers.Count == PlacesMax) return;
            _inReclaimers.Add(reclaimer, Here());
            FindFrom(this, [], found);
        }

        Report(found);
    }

    private void NoteRequest(Where request)
    {
        List<AllocationReport> found = [];
        lock (s_gate)
        {
            if (_aroundRequests.ContainsKey(request) || _aroundRequests.Count == PlacesMax) return;
            _aroundRequests.Add(request, Here());
            FindThrough(this, ChainEdgesMax, found);
        }

        Report(found);
    }

    private void NoteInside(LockOrder outer)
    {
        List<AllocationReport> found = [];
        lock (s_gate)
        {
            List<Edge> edges = outer._inside ??= [], reverse = _outside ??= [];
            if (edges.Exists(edge => edge.IsTo(this)) || !HasRoom(edges) || !HasRoom(reverse)) return;
            var added = new Edge(outer, this, Here());
            edges.Add(added);
            reverse.Add(added);
            FindThrough(outer, ChainEdgesMax - 1, found);
        }

        Report(found);
    }

    // Chains that come through here: from here, and from each lock that is held around it.
    private static void FindThrough(LockOrder order, int edges, List<AllocationReport> found)
    {
        FindFrom(order, [], found);
        if (edges == 0 || order._outside is not { } outside) return;
        foreach (Edge edge in outside)
        {
            if (edge.From is { } outer) FindThrough(outer, edges - 1, found);
        }
    }

    // Chains that begin at the first lock of the path, which a reclaimer takes.
    private static void FindFrom(LockOrder order, Edge[] path, List<AllocationReport> found)
    {
        LockOrder? first = path.Length == 0 ? order : path[0].From;
        if (first is null || first._inReclaimers.Count == 0) return;
        Compare(first, order, path, found);
        if (path.Length == ChainEdgesMax || order._inside is not { } inside) return;
        foreach (Edge edge in inside)
        {
            if (edge.To is { } next && next != first) FindFrom(next, [.. path, edge], found);
        }
    }

    private static void Compare(LockOrder first, LockOrder last, Edge[] path, List<AllocationReport> found)
    {
        bool isReported = first._isReported || (path.Length > 0 && path[^1].IsReported);
        bool isRoundabout = path.Length > 1 && first._inside!.Exists(edge => edge.IsTo(last));
        if (isReported || isRoundabout) return;
        foreach ((Where taken, string reclaimer) in first._inReclaimers)
        {
            foreach ((Where held, string request) in last._aroundRequests)
            {
                bool isOtherTree = held.Tree is not null && held.Tree != taken.Tree;
                if (isOtherTree || (taken.Flags & ~held.Flags) != 0) continue;
                if (path.Length == 0) last._isReported = true;
                else path[^1].IsReported = true;
                found.Add(new AllocationReport(
                    AllocationReportKind.LockInReclaim, Describe(first, last, path), reclaimer, request));
                return;
            }
        }
    }

    private static string Describe(LockOrder first, LockOrder last, Edge[] path)
    {
        const string Advice = "two threads can wait for each other for ever. Let the lock carry a scope (NoReclaim, or "
            + "NoFs or NoIo if the reclaimer says that it needs those), ask for memory before taking it, or let the "
            + "reclaimer only try (TryEnter).";
        if (path.Length == 0)
        {
            return $"The lock '{first.Name}' is taken by a reclaimer, and it is held where memory is asked for that "
                + $"this reclaimer may be called for: {Advice}";
        }

        string chain = string.Concat(path.Select(edge => $"\n'{edge.ToName}' is waited for here, inside of "
            + $"'{edge.FromName}':\n{edge.Stack}"));
        return $"The lock '{first.Name}' is taken by a reclaimer, '{last.Name}' is waited for where '{first.Name}' is "
            + $"held, and '{last.Name}' is held where memory is asked for that this reclaimer may be called for: "
            + Advice + chain;
    }

    private static void Report(List<AllocationReport> found)
    {
        foreach (AllocationReport report in found) AllocationChecks.Report(report);
    }

    // Locks that are gone make room.
    private static bool HasRoom(List<Edge> edges)
    {
        if (edges.Count == EdgesMax) edges.RemoveAll(edge => edge.From is null || edge.To is null);
        return edges.Count < EdgesMax;
    }

    private static object TreeOf(MemoryController tree) => s_trees.GetValue(tree, static _ => new object());

    private string Name => name;

    [MethodImpl(MethodImplOptions.NoInlining)]   // the one frame that is left out
    private static string Here() => new StackTrace(skipFrames: 1, fNeedFileInfo: true).ToString();

    // What a reclaimer needs, or a request permits; and the tree, null for any.
    private readonly record struct Where(AllocationFlags Flags, object? Tree);

    // Keeps no lock alive.
    private sealed class Edge(LockOrder from, LockOrder to, string stack)
    {
        private readonly WeakReference<LockOrder> _from = new(from), _to = new(to);

        public LockOrder? From => _from.TryGetTarget(out LockOrder? order) ? order : null;

        public LockOrder? To => _to.TryGetTarget(out LockOrder? order) ? order : null;

        public string FromName { get; } = from.Name;

        public string ToName { get; } = to.Name;

        public string Stack => stack;

        public bool IsReported { get; set; }

        public bool IsTo(LockOrder order) => To == order;
    }
}
