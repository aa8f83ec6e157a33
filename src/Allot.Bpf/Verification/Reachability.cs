namespace Allot.Bpf;

/// <summary>Whether every instruction can be reached, by any path at all.</summary>
internal static class Reachability
{
    public static void Check(BpfCode code)
    {
        bool[] isReached = new bool[code.Operations.Length];
        var open = new Stack<int>([0]);
        while (open.TryPop(out int at))
        {
            if (isReached[at]) continue;
            isReached[at] = true;
            BpfOperation operation = code.Operations[at];
            if (operation.Op.IsJump() || operation.Op.NamesFunction()) open.Push(operation.Offset);
            if (operation.Op is not (BpfOp.Ja or BpfOp.Exit)) open.Push(code.Next(at));
        }

        int lost = Array.FindIndex(isReached, static reached => !reached);
        while (lost >= 0 && code.Operations[lost].Op == BpfOp.None)
        {
            lost = Array.FindIndex(isReached, lost + 1, static reached => !reached);
        }

        if (lost >= 0) throw code.Refuse(lost, "cannot be reached");
    }
}
