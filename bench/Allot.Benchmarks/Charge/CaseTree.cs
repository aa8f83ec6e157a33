using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>A case with its tree, ready to be measured. Some memory is charged all the time, so that neither the empty
/// group nor the edge of a batch is what is measured.</summary>
internal sealed class CaseTree
{
    // Not near a multiple of any batch that anyone would choose, so that a page more stays inside one.
    private const int HeldPieces = 25;
    private const long HeldPieceBytes = 4000;

    private readonly PinnedThreads _threads;
    private readonly Case _case;
    private readonly ChargeTree _tree;
    private readonly ChargeLoop[] _loops;
    private readonly long _heldWhenPlanted;

    public CaseTree(PinnedThreads threads, Case @case)
    {
        _threads = threads;
        _case = @case;
        _tree = @case.Subject.Plant(@case.Depth, @case.Leaves);
        _heldWhenPlanted = _tree.HeldBytes;
        _loops = [.. Enumerable.Range(0, @case.Threads).Select(thread => _tree.LoopOver(LeavesOf(thread)))];
        threads.Run(@case.Threads, thread =>
        {
            for (int i = 0; i < HeldPieces; i++) _loops[thread].ChargeEach(PieceBytes);
        });
    }

    /// <summary>The case as work: one operation is one pair.</summary>
    public Work Work => new(_case.ToString(), _case.Threads, Run)
    {
        Granule = _case.Kind == CaseKind.Burst ? Case.BurstSize : 1,
    };

    private long PieceBytes => Math.Min(HeldPieceBytes, _case.Subject.MostBytes);

    /// <summary>Gives everything back.</summary>
    /// <exception cref="BenchmarkException">The tree is not as empty as it was at first: the subject does not do what
    /// it was measured doing.</exception>
    public void GiveBack()
    {
        _threads.Run(_case.Threads, thread =>
        {
            for (int i = 0; i < HeldPieces; i++) _loops[thread].UnchargeEach(PieceBytes);
            _tree.LeaveThread();
        });
        long left = _tree.HeldBytes - _heldWhenPlanted;
        if (left != 0) throw new BenchmarkException($"'{_case}' does not balance: {left} bytes are left.");
    }

    private void Run(int thread, int pairs)
    {
        ChargeLoop loop = _loops[thread];
        switch (_case.Kind)
        {
            case CaseKind.Burst: loop.Bursts(pairs / Case.BurstSize, Case.BurstSize, _case.Bytes); break;
            case CaseKind.InlinedPair: loop.InlinedPairs(pairs, _case.Bytes); break;
            default: loop.Pairs(pairs, _case.Bytes); break;
        }
    }

    private Range LeavesOf(int thread)
    {
        int first = _case.AreSiblings ? thread * _case.Groups : 0;
        return first..(first + _case.Groups);
    }
}
