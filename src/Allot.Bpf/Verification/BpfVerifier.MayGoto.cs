// A loop with a jump that is taken when half of the budget is used up ends, whatever it does. So a path that comes back
// to such a jump knowing no less than it did ends there, as at the call of a helper that calls functions. Any loop
// through there has the jump in it, so unlike a call it may be of another round of something else.

namespace Allot.Bpf;

/// <content>Jumps that are taken when the budget runs out.</content>
internal sealed partial class BpfVerifier
{
    private void ArriveAtMayGoto(int at, Checkpoint? parent)
    {
        if (_path.Top.GotoRound > 0) Forget(at, parent, _path.Top.GotoRound);
    }

    // Goes on where the jump goes, and leaves the loop for later: then it is known which numbers matter after it.
    private int MayGoto(int at, BpfOperation operation, Checkpoint? parent)
    {
        PathState goesOn = _path.Copy();
        goesOn.Top.GotoRound++;
        Push(goesOn, _code.Next(at), parent);
        return operation.Offset;
    }

    // Whether a path that knows no less than an open state did ends there.
    private bool IsEndOfRound(int at, Checkpoint state) =>
        _code.Operations[at].Op == BpfOp.MayGoto
        || (_callsBack[at] && state.Activation == _path.Top.Activation);
}
