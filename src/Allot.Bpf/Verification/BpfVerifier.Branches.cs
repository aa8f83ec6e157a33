using System.Diagnostics;

namespace Allot.Bpf;

/// <content>Conditional jumps: which ways are possible, and what each of them tells.</content>
internal sealed partial class BpfVerifier
{
    // Goes on with one way and leaves the other for later; null when neither is possible.
    private int? Branch(int at, BpfOperation operation, Checkpoint? parent)
    {
        RegisterState first = Written(at, operation.Destination);
        RegisterState second = Second(at, operation);
        NoteLearners(operation);
        PathState? taken = Assume(_path.Copy(), at, operation, first, second, isTaken: true);
        PathState? notTaken = Assume(_path, at, operation, first, second, isTaken: false);
        int next = _code.Next(at);
        bool isDecided = taken is null || notTaken is null;
        bool tellsLength = first.IsLength || second.IsLength;   // how long the memory is, by the other number
        if (isDecided || tellsLength || first.IsPointer || second.IsPointer) NeedOperands(operation);
        if (taken is null && notTaken is null) return null;
        if (taken is not null && notTaken is not null) Push(taken, operation.Offset, parent);
        _path = notTaken ?? taken!;
        return notTaken is null ? operation.Offset : next;
    }

    // The path, with what is known when the jump is taken, or not; null, and the path as it was, when that cannot be.
    private PathState? Assume(
        PathState path,
        int at,
        BpfOperation operation,
        in RegisterState first,
        in RegisterState second,
        bool isTaken)
    {
        if (first.IsPointer || second.IsPointer) return AssumeOfAddresses(path, at, operation, first, second, isTaken);
        (ScalarRange a, ScalarRange b) = ScalarComparison.Assume(operation.Op, isTaken, first.Range, second.Range);
        if (a.IsEmpty || b.IsEmpty) return null;
        Narrow(path, operation.Destination, a);
        if (!operation.HasNumber) Narrow(path, operation.Source, b);
        return path;
    }

    // Of a register, and of all that hold the same.
    private static void Narrow(PathState path, int register, ScalarRange range)
    {
        Debug.Assert(!range.IsEmpty, "A way is followed when it is possible.");
        RegisterState narrowed = path.Top[register] with { Range = range };
        path.Top[register] = narrowed;
        if (narrowed.IsLength) path.MemoryBytes = long.Max(path.MemoryBytes, (long)range.Least);
        if (narrowed.Id == 0) return;
        path.ForEachRegister(each => each.IsNumber && each.Id == narrowed.Id ? each with { Range = range } : each);
    }

    private PathState? AssumeOfAddresses(
        PathState path,
        int at,
        BpfOperation operation,
        in RegisterState first,
        in RegisterState second,
        bool isTaken)
    {
        BpfOp op = operation.Op;
        if (first.Kind == RegisterKind.Arena || second.Kind == RegisterKind.Arena)
        {
            if (IsNumberOrInArena(first) && IsNumberOrInArena(second)) return path;
        }

        bool isEquality = op is BpfOp.Jeq64 or BpfOp.Jne64;
        if (isEquality && second is { IsNumber: true, Range: { IsConstant: true, Least: 0 } })
        {
            bool isZero = isTaken == (op == BpfOp.Jeq64);
            if (first.MayBeZero) AssumeZero(path, first, isZero);
            return first.MayBeZero || !isZero || !IsNeverZero(path, first) ? path : null;
        }

        bool isEnd = first.Kind == RegisterKind.MemoryEnd || second.Kind == RegisterKind.MemoryEnd;
        if (isEnd && AssumeOfEnd(path, op, first, second, isTaken)) return path;
        bool isSame = first.Kind == second.Kind || (isEnd && first.IsPointer && second.IsPointer);
        if (isSame && !first.MayBeZero && !op.Is32()) return path;
        int register = first.IsPointer ? operation.Destination : operation.Source;
        RegisterState address = first.IsPointer ? first : second;
        throw _code.Refuse(at, $"is {address.Describe()}, and is compared with something else", register);
    }

    // No memory is at 0, also when it has no bytes: so nothing in it is, and not its end. Further away anything can be.
    private bool IsNeverZero(PathState path, in RegisterState address)
    {
        if (address.Kind == RegisterKind.Map) return true;
        if (!IsInMemory(address.Kind) || !HasBound(address.Range)) return false;
        (int first, int last) = Bounds(address, 0);
        (long begin, long end, _) = MemoryOf(path, address);
        return first >= begin && last <= end;
    }

    private static void AssumeZero(PathState path, RegisterState address, bool isZero)
    {
        RegisterKind kind = address.Kind switch
        {
            RegisterKind.MapValueOrZero => RegisterKind.MapValue,
            RegisterKind.MapOrZero => RegisterKind.Map,
            RegisterKind.SliceOrZero => RegisterKind.Slice,
            _ => RegisterKind.Reserved,
        };
        path.ForEachRegister(each =>
            each.Kind != address.Kind || each.Id != address.Id ? each
            : isZero ? RegisterState.Constant(0)
            : each with { Kind = kind, Id = kind == RegisterKind.Reserved ? each.Id : 0 });
        if (isZero && kind == RegisterKind.Reserved) path.Reservations.RemoveAll(each => each.Id == address.Id);
    }

    // An address in the memory that is not above the end tells how long the memory is.
    private static bool AssumeOfEnd(
        PathState path, BpfOp op, in RegisterState first, in RegisterState second, bool isTaken)
    {
        bool swaps = first.Kind == RegisterKind.MemoryEnd;
        (RegisterState address, RegisterState end) = swaps ? (second, first) : (first, second);
        if (address.Kind != RegisterKind.Memory || !address.Range.IsConstant || op.Is32()) return false;
        BpfOp held = isTaken ? op : Opposite(op);
        if (swaps) held = Mirrored(held);
        long distance = address.Offset - (long)end.Offset;
        long known = held switch
        {
            BpfOp.Jle64 => distance,
            BpfOp.Jlt64 => distance + 1,
            _ => 0,
        };
        path.MemoryBytes = long.Max(path.MemoryBytes, known);
        return true;
    }

    private static BpfOp Opposite(BpfOp op) => op switch
    {
        BpfOp.Jgt64 => BpfOp.Jle64,
        BpfOp.Jge64 => BpfOp.Jlt64,
        BpfOp.Jlt64 => BpfOp.Jge64,
        BpfOp.Jle64 => BpfOp.Jgt64,
        _ => BpfOp.None,
    };

    private static BpfOp Mirrored(BpfOp op) => op switch
    {
        BpfOp.Jgt64 => BpfOp.Jlt64,
        BpfOp.Jge64 => BpfOp.Jle64,
        BpfOp.Jlt64 => BpfOp.Jgt64,
        BpfOp.Jle64 => BpfOp.Jge64,
        _ => op,
    };
}
