// The thread-local stock of bench/peer/stock.c. Its loops are in C: a chunk is one call from here.

using System.Runtime.InteropServices;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>The compiled library, and its trees.</summary>
/// <remarks>It is never unloaded: threads have what is theirs in it.</remarks>
internal sealed unsafe class StockSubject
{
    private readonly delegate* unmanaged<nint, long, nint> _newCounter;
    private readonly delegate* unmanaged<nint, long> _used;
    private readonly delegate* unmanaged<nint, long, int> _charge;
    private readonly delegate* unmanaged<nint, long, void> _uncharge;
    private readonly delegate* unmanaged<void> _drain;
    private readonly delegate* unmanaged<nint, long, long, long> _pairs;
    private readonly delegate* unmanaged<nint, long, long, long> _inlinedPairs;
    private readonly delegate* unmanaged<nint*, long, long, long, long> _pairsInTurn;
    private readonly delegate* unmanaged<nint, long, long, long, long> _bursts;

    private StockSubject(string path)
    {
        nint library = NativeLibrary.Load(path);
        _newCounter = (delegate* unmanaged<nint, long, nint>)NativeLibrary.GetExport(library, "counter_new");
        _used = (delegate* unmanaged<nint, long>)NativeLibrary.GetExport(library, "counter_used");
        _charge = (delegate* unmanaged<nint, long, int>)NativeLibrary.GetExport(library, "charge");
        _uncharge = (delegate* unmanaged<nint, long, void>)NativeLibrary.GetExport(library, "uncharge");
        _drain = (delegate* unmanaged<void>)NativeLibrary.GetExport(library, "drain");
        _pairs = (delegate* unmanaged<nint, long, long, long>)NativeLibrary.GetExport(library, "pairs");
        _inlinedPairs = (delegate* unmanaged<nint, long, long, long>)NativeLibrary.GetExport(library, "pairs_inlined");
        _pairsInTurn =
            (delegate* unmanaged<nint*, long, long, long, long>)NativeLibrary.GetExport(library, "pairs_in_turn");
        _bursts = (delegate* unmanaged<nint, long, long, long, long>)NativeLibrary.GetExport(library, "bursts");
    }

    /// <summary>Compiles it with a spare batch for each thread, as it should be.</summary>
    public static Subject WithSpare(Workbench bench) =>
        Of("thread-local stock, C", bench.CompileLibrary("Peer/stock.c", "stock"));

    /// <summary>Compiles it by the simple rule: what is a batch goes back.</summary>
    public static Subject WithoutSpare(Workbench bench) => Of(
        "thread-local stock, C, no spare batch",
        bench.CompileLibrary("Peer/stock.c", "stock-simple", "-DSPARE_BATCHES=0"));

    private static Subject Of(string name, string path)
    {
        var library = new StockSubject(path);
        return new Subject(name, library.Plant);
    }

    private Tree Plant(int depth, int leaves)
    {
        nint root = 0, above = 0;
        for (int level = 1; level < depth; level++)
        {
            above = _newCounter(above, Subject.LimitBytes);
            if (root == 0) root = above;
        }

        nint[] made = new nint[leaves];
        foreach (ref nint leaf in made.AsSpan()) leaf = _newCounter(above, Subject.LimitBytes);
        return new Tree(this, root == 0 ? made : [root], made);
    }

    private sealed class Tree(StockSubject library, nint[] roots, nint[] leaves) : ChargeTree
    {
        public override long HeldBytes => roots.Sum(root => library._used(root));

        public override ChargeLoop LoopOver(Range range) => new Loop(library, leaves[range]);

        public override void LeaveThread() => library._drain();
    }

    private sealed class Loop(StockSubject library, nint[] leaves) : ChargeLoop
    {
        public override void Pairs(int count, long bytes)
        {
            if (leaves.Length == 1)
            {
                ThrowIfAny(library._pairs(leaves[0], count, bytes));
                return;
            }

            fixed (nint* first = leaves) ThrowIfAny(library._pairsInTurn(first, leaves.Length, count, bytes));
        }

        public override void InlinedPairs(int count, long bytes) =>
            ThrowIfAny(library._inlinedPairs(leaves[0], count, bytes));

        public override void Bursts(int count, int size, long bytes)
        {
            for (int i = 0; i < count; i++) ThrowIfAny(library._bursts(leaves[i % leaves.Length], 1, size, bytes));
        }

        public override void ChargeEach(long bytes)
        {
            foreach (nint leaf in leaves)
            {
                if (library._charge(leaf, bytes) == 0) throw Refused();
            }
        }

        public override void UnchargeEach(long bytes)
        {
            foreach (nint leaf in leaves) library._uncharge(leaf, bytes);
        }

        private static void ThrowIfAny(long refused)
        {
            if (refused != 0) throw Refused();
        }
    }
}
