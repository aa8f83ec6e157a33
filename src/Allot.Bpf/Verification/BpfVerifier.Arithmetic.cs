using Allot.Maps;

namespace Allot.Bpf;

/// <content>Arithmetic on numbers and on addresses.</content>
internal sealed partial class BpfVerifier
{
    private const int OffsetMax = 1 << 29;   // an address never moves further from where it began

    private void Arithmetic(int at, BpfOperation operation)
    {
        BpfOp op = operation.Op;
        ref RegisterState target = ref _path.Top[operation.Destination];
        bool isMove = op.As64() == BpfOp.Mov64 || op is >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64;
        bool isUnary = op.As64() == BpfOp.Neg64 || op is >= BpfOp.Le16 and <= BpfOp.Swap64;
        if (op == BpfOp.Mov64 && !operation.HasNumber)
        {
            Copy(at, operation);
            return;
        }

        RegisterState first = isMove ? RegisterState.Constant(0) : Written(at, operation.Destination);
        RegisterState second = isUnary ? RegisterState.Constant(0) : Second(at, operation);
        if (ComputesInArena(at, operation, first, second))
        {
            target = RegisterState.Address(RegisterKind.Arena);
            return;
        }

        if (first.IsPointer || second.IsPointer)
        {
            target = AddressArithmetic(at, operation, first, second);
            return;
        }

        RefuseSenseless(at, operation);
        target = RegisterState.OfNumber(ScalarArithmetic.Apply(op, first.Range, second.Range));

        // A copy of the low half of a number that has no other is a copy of the number.
        if (op == BpfOp.Mov32 && !operation.HasNumber && second.Range.Most <= uint.MaxValue)
        {
            target = target with { Id = second.Id, IsLength = second.IsLength };
        }
    }

    private void Copy(int at, BpfOperation operation)
    {
        ref RegisterState source = ref Written(at, operation.Source);
        if (source is { IsNumber: true, Id: 0, Range.IsConstant: false }) source = source with { Id = ++_lastId };
        _path.Top[operation.Destination] = source;
    }

    // What is defined, but never meant.
    private void RefuseSenseless(int at, BpfOperation operation)
    {
        if (!operation.HasNumber) return;
        BpfOp op = operation.Op.As64();
        if (op is BpfOp.Div64 or BpfOp.Mod64 or BpfOp.SDiv64 or BpfOp.SMod64 && operation.Number == 0)
        {
            throw _code.Refuse(at, "divides by the constant 0");
        }

        uint width = operation.Op.Is32() ? 32u : 64u;
        if (op is BpfOp.Lsh64 or BpfOp.Rsh64 or BpfOp.Arsh64 && (ulong)operation.Number >= width)
        {
            throw _code.Refuse(at, $"shifts by {operation.Number}, of 0 to {width - 1} that there are");
        }
    }

    private RegisterState AddressArithmetic(
        int at, BpfOperation operation, in RegisterState first, in RegisterState second)
    {
        int pointer = first.IsPointer ? operation.Destination : operation.Source;
        RegisterState address = first.IsPointer ? first : second;
        RegisterState number = first.IsPointer ? second : first;
        if (first.Kind == second.Kind && operation.Op == BpfOp.Sub64
            && first.Kind is RegisterKind.Stack or RegisterKind.Memory or RegisterKind.MapValue)
        {
            return RegisterState.AnyNumber;   // how far two addresses are from each other
        }

        if (operation.Op is not (BpfOp.Add64 or BpfOp.Sub64) || number.IsPointer
            || (operation.Op == BpfOp.Sub64 && !first.IsPointer))
        {
            throw _code.Refuse(
                at, $"is {address.Describe()}, to which numbers can be added and nothing else be done", pointer);
        }

        if (address.MayBeZero)
        {
            throw _code.Refuse(at, $"is {address.Describe()}: compare it with 0 before", pointer);
        }

        if (address.Kind is RegisterKind.Map or RegisterKind.Function or RegisterKind.LentPointer)
        {
            throw _code.Refuse(at, $"is {address.Describe()}, which has no address", pointer);
        }

        if (number.IsLength && address.Kind == RegisterKind.Memory && operation.Op == BpfOp.Add64
            && address.Range is { IsConstant: true })
        {
            return RegisterState.Address(RegisterKind.MemoryEnd, offset: address.Offset);
        }

        if (!operation.HasNumber) Need(first.IsPointer ? operation.Source : operation.Destination);
        return Moved(at, address, number, isAdded: operation.Op == BpfOp.Add64, pointer);
    }

    private RegisterState Moved(
        int at, in RegisterState address, in RegisterState number, bool isAdded, int register)
    {
        if (number.Range.IsConstant)
        {
            long distance = isAdded ? (long)number.Range.Least : -(long)number.Range.Least;
            long offset = unchecked(address.Offset + distance);
            bool isNear = distance is > -OffsetMax and < OffsetMax && offset is > -OffsetMax and < OffsetMax;
            if (isNear) return address with { Offset = (int)offset };
            throw _code.Refuse(at, $"is moved by {distance}, further than any memory goes", register);
        }

        if (address.Kind == RegisterKind.MemoryEnd)
        {
            throw _code.Refuse(at, $"is {address.Describe()}, which moves by constants only", register);
        }

        ScalarRange range = isAdded
            ? ScalarArithmetic.Apply(BpfOp.Add64, address.Range, number.Range)
            : ScalarArithmetic.Apply(BpfOp.Sub64, address.Range, number.Range);
        return address with { Range = range };
    }

    private void Constant(int at, BpfOperation operation)
    {
        ref RegisterState target = ref _path.Top[operation.Destination];
        if (operation.Op == BpfOp.LoadNumber)
        {
            target = RegisterState.Constant((ulong)operation.Number);
            return;
        }

        if (operation.Op == BpfOp.LoadFunction)
        {
            target = RegisterState.Address(RegisterKind.Function, operation.Offset);
            return;
        }

        MapDefinition map = MapOf(at, operation);
        if (operation.Op == BpfOp.LoadMap)
        {
            target = RegisterState.Address(RegisterKind.Map, operation.Offset);
            return;
        }

        if (map.Type == MapType.Arena)
        {
            target = RegisterState.AnyNumber;
            return;
        }

        if (map.Type != MapType.Array)
        {
            throw _code.Refuse(at, $"only values of arrays have a constant address; '{map.Name}' is a {map.Type}");
        }

        if (operation.Number >= map.ValueBytes)
        {
            throw _code.Refuse(
                at, $"is byte {operation.Number} of a value of '{map.Name}', which has {map.ValueBytes} bytes");
        }

        target = RegisterState.Address(RegisterKind.MapValue, operation.Offset, (int)operation.Number);
    }

    private MapDefinition MapOf(int at, BpfOperation operation) =>
        (uint)operation.Offset < (uint)_maps.Count
            ? _maps[operation.Offset]
            : throw _code.Refuse(at, $"there is no map {operation.Offset}, of {_maps.Count} that there are");
}
