// Addresses in an arena are 32 bits, and any of them may be used: what is not there is read as 0 and not written. So a
// register that holds one needs no bounds. What matters is which registers do, because then a load is another one, and
// arithmetic has 32 bits: an instruction that uses such an address on one path uses one on all.

using Allot.Maps;

namespace Allot.Bpf;

/// <content>Addresses in the arena of the program.</content>
internal sealed partial class BpfVerifier
{
    private readonly Side[] _sides;

    // What an instruction of arithmetic has computed so far.
    private enum Side : byte
    {
        Unknown,
        Number,
        Arena,
    }

    private static bool IsNumberOrInArena(in RegisterState state) => state.IsNumber || state.Kind == RegisterKind.Arena;

    private void Cast(int at, BpfOperation operation)
    {
        int arenas = _input.Maps.Count(static map => map.Type == MapType.Arena);
        if (arenas != 1)
        {
            throw _code.Refuse(at, $"is for a program with one arena among its maps; this one has {arenas}");
        }

        RegisterState source = Written(at, operation.Source);
        if (!IsNumberOrInArena(source))
        {
            throw _code.Refuse(at, $"is {source.Describe()}, and no address of an arena", operation.Source);
        }

        _path.Top[operation.Destination] = operation.Op == BpfOp.CastToArena
            ? RegisterState.Address(RegisterKind.Arena)
            : RegisterState.AnyNumber;
    }

    // Whether the result is an address in the arena: of all that is done with one and a number, and of a sum.
    private bool ComputesInArena(int at, BpfOperation operation, in RegisterState first, in RegisterState second)
    {
        bool isBinary = operation.Op.As64() is >= BpfOp.Add64 and <= BpfOp.Arsh64;
        bool isInArena = isBinary && IsNumberOrInArena(first) && IsNumberOrInArena(second)
            && (first.Kind == RegisterKind.Arena || (second.Kind == RegisterKind.Arena && operation.Op == BpfOp.Add64));
        Side side = isInArena ? Side.Arena : Side.Number;
        if (_sides[at] == Side.Unknown) _sides[at] = side;
        if (_sides[at] != side) throw RefuseTwoSides(at);
        if (isInArena) RefuseSenseless(at, operation);
        return isInArena;
    }

    private bool IsInArena(int at, BpfOperation operation)
    {
        int register = operation.Op.IsLoad() ? operation.Source : operation.Destination;
        return Written(at, register).Kind == RegisterKind.Arena;
    }

    private void AccessArena(int at, BpfOperation operation)
    {
        BpfOp op = operation.Op;
        Note(at, RegisterState.Address(RegisterKind.Arena));
        if (op.IsLoad())
        {
            _path.Top[operation.Destination] = Unknown(op, op.AccessBytes());
            return;
        }

        RegisterState value = Second(at, operation);
        bool compares = op.As64() == BpfOp.CompareExchange64;
        if (!value.IsNumber || (compares && !Written(at, 0).IsNumber))
        {
            throw _code.Refuse(at, $"is {value.Describe()}; what is stored in an arena is a number", operation.Source);
        }

        if (op.IsFetch()) _path.Top[compares ? 0 : operation.Source] = RegisterState.AnyNumber;
    }

    private BpfRefusedException RefuseTwoSides(int at) => _code.Refuse(
        at, "is about an address in an arena on one path, and about something else on another");
}
