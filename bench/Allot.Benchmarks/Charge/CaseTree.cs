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
    private readonly ChargeTree[] _trees;   // one, or one for each thread
    private readonly ChargeLoop[] _loops;
    private readonly long _heldWhenPlanted;

    public CaseTree(PinnedThreads threads, Case @case)
    {
        _threads = threads;
        _case = @case;
        int trees = @case.Sharing == CaseSharing.Nothing ? @case.Threads : 1;
        int leaves = @case.Sharing == CaseSharing.Ancestors ? @case.Groups * @case.Threads : @case.Groups;
        _trees = [.. Enumerable.Range(0, trees).Select(_ => @case.Subject.Plant(@case.Depth, leaves))];
        _heldWhenPlanted = HeldBytes;
        _loops = [.. Enumerable.Range(0, @case.Threads).Select(LoopOf)];
        threads.Run(@case.Threads, thread =>
        {
            for (int i = 0; i < HeldPieces; i++) _loops[thread].ChargeEach(HeldPieceBytes);
        });
    }

    /// <summary>The case as work: one operation is one pair.</summary>
    public Work Work => new(_case.ToString(), _case.Threads, Run)
    {
        Granule = _case.Kind == CaseKind.Burst ? Case.BurstSize : 1,
    };

    private long HeldBytes => _trees.Sum(static tree => tree.HeldBytes);

    /// <summary>Gives everything back.</summary>
    /// <exception cref="BenchmarkException">The tree is not as empty as it was at first: the subject does not do what
    /// it was measured doing.</exception>
    public void GiveBack()
    {
        _threads.Run(_case.Threads, thread =>
        {
            for (int i = 0; i < HeldPieces; i++) _loops[thread].UnchargeEach(HeldPieceBytes);
            foreach (ChargeTree tree in _trees) tree.LeaveThread();
        });
        long left = HeldBytes - _heldWhenPlanted;
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

    private ChargeLoop LoopOf(int thread)
    {
        int first = _case.Sharing == CaseSharing.Ancestors ? thread * _case.Groups : 0;
        return _trees[Math.Min(thread, _trees.Length - 1)].LoopOver(first..(first + _case.Groups));
    }
}
