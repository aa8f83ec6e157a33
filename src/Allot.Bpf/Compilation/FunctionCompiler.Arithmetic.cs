using System.Reflection;
using System.Reflection.Emit;

namespace Allot.Bpf;

/// <content>Arithmetic and comparisons. Registers are 64-bit; a 32-bit operation is one on their low halves, whose
/// result is zero-extended.</content>
internal sealed partial class FunctionCompiler
{
    private void Arithmetic(int at, BpfOperation operation)
    {
        if (_kept.TryGetValue(at, out LocalBuilder? kept))
        {
            Get(operation.Destination);
            if (operation.Op.Is32()) _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Stloc, kept);
        }

        if (_rotations.TryGetValue(at, out Rotation rotation)) Set(operation.Destination, () => Rotate(rotation));
        else Set(operation.Destination, () => Compute(operation));
    }

    // Two shifts of one local, next to each other, are what the runtime knows as a rotation.
    private void Rotate(Rotation rotation)
    {
        LocalBuilder kept = _kept[rotation.KeptAt];
        _il.Emit(OpCodes.Ldloc, kept);
        _il.Emit(OpCodes.Ldc_I4, rotation.Left);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Ldloc, kept);
        _il.Emit(OpCodes.Ldc_I4, (rotation.Is32 ? 32 : 64) - rotation.Left);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Or);
        if (rotation.Is32) ZeroExtend();
    }

    private void Compute(BpfOperation operation)
    {
        BpfOp op = operation.Op;
        if (IsPlainDivision(operation))
        {
            Divide(operation);
        }
        else if (CompilerMembers.FunctionOf(op) is { } function)
        {
            Call(operation, function);
        }
        else if (op.As64() == BpfOp.Mov64)
        {
            GetSecond(operation);
            if (op.Is32()) ZeroExtend();
        }
        else if (op is >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64)
        {
            GetSecond(operation);
            _il.Emit(op.As64() switch
            {
                BpfOp.MovSx8To64 => OpCodes.Conv_I1,
                BpfOp.MovSx16To64 => OpCodes.Conv_I2,
                _ => OpCodes.Conv_I4,
            });
            if (op.Is32()) ZeroExtend();
            else _il.Emit(OpCodes.Conv_I8);
        }
        else if (op.As64() == BpfOp.Neg64)
        {
            Get(operation.Destination);
            _il.Emit(OpCodes.Neg);
            if (op.Is32()) ZeroExtend();
        }
        else if (op is >= BpfOp.Lsh64 and <= BpfOp.Arsh32)
        {
            Shift(operation);
        }
        else
        {
            Get(operation.Destination);
            if (op.Is32()) _il.Emit(OpCodes.Conv_U4);
            GetSecond(operation);
            if (op.Is32()) _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodeOf(op.As64()));
            if (op.Is32()) ZeroExtend();
        }
    }

    private void Call(BpfOperation operation, MethodInfo function)
    {
        Get(operation.Destination);
        if (function.GetParameters().Length == 2) GetSecond(operation);
        _il.Emit(OpCodes.Call, function);
        if (operation.Op.Is32()) ZeroExtend();
    }

    // Unsigned, and by a constant that is not 0.
    private static bool IsPlainDivision(BpfOperation operation) =>
        operation.HasNumber && operation.Op.As64() is BpfOp.Div64 or BpfOp.Mod64
        && (operation.Op.Is32() ? (uint)operation.Number != 0 : operation.Number != 0);

    // Of 64 bits, also where 32 would do: see BpfArithmetic.Div32.
    private void Divide(BpfOperation operation)
    {
        BpfOp op = operation.Op;
        Get(operation.Destination);
        if (op.Is32()) ZeroExtend();
        _il.Emit(OpCodes.Ldc_I8, op.Is32() ? (uint)operation.Number : operation.Number);
        _il.Emit(op.As64() == BpfOp.Div64 ? OpCodes.Div_Un : OpCodes.Rem_Un);
    }

    private void Shift(BpfOperation operation)
    {
        BpfOp op = operation.Op;
        int mask = op.Is32() ? 31 : 63;
        Get(operation.Destination);
        if (op.Is32()) _il.Emit(op == BpfOp.Arsh32 ? OpCodes.Conv_I4 : OpCodes.Conv_U4);
        if (operation.HasNumber)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)operation.Number & mask);
        }
        else
        {
            Get(operation.Source);
            _il.Emit(OpCodes.Conv_I4);
            _il.Emit(OpCodes.Ldc_I4, mask);
            _il.Emit(OpCodes.And);
        }

        _il.Emit(op.As64() switch
        {
            BpfOp.Lsh64 => OpCodes.Shl,
            BpfOp.Rsh64 => OpCodes.Shr_Un,
            _ => OpCodes.Shr,
        });
        if (op.Is32()) ZeroExtend();
    }

    private void JumpTo(BpfOperation operation, Label target)
    {
        BpfOp op = operation.Op;
        if (op == BpfOp.Ja)
        {
            _il.Emit(OpCodes.Br, target);
            return;
        }

        if (op == BpfOp.MayGoto)
        {
            _il.Emit(OpCodes.Ldloc, _budget);
            LoadField(CompilerMembers.GoOnBudget);
            _il.Emit(OpCodes.Blt, target);
            return;
        }

        bool isSigned = op.As64() is BpfOp.Jsgt64 or BpfOp.Jsge64 or BpfOp.Jslt64 or BpfOp.Jsle64;
        Get(operation.Destination);
        if (op.Is32()) _il.Emit(isSigned ? OpCodes.Conv_I4 : OpCodes.Conv_U4);
        GetSecond(operation);
        if (op.Is32()) _il.Emit(isSigned ? OpCodes.Conv_I4 : OpCodes.Conv_U4);
        if (op.As64() == BpfOp.Jset64) _il.Emit(OpCodes.And);
        _il.Emit(BranchOf(op.As64()), target);
    }

    private void ZeroExtend()
    {
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Conv_U8);
    }

    private static OpCode OpCodeOf(BpfOp op) => op switch
    {
        BpfOp.Add64 => OpCodes.Add,
        BpfOp.Sub64 => OpCodes.Sub,
        BpfOp.Mul64 => OpCodes.Mul,
        BpfOp.Or64 => OpCodes.Or,
        BpfOp.And64 => OpCodes.And,
        _ => OpCodes.Xor,
    };

    private static OpCode BranchOf(BpfOp op) => op switch
    {
        BpfOp.Jeq64 => OpCodes.Beq,
        BpfOp.Jne64 => OpCodes.Bne_Un,
        BpfOp.Jset64 => OpCodes.Brtrue,
        BpfOp.Jgt64 => OpCodes.Bgt_Un,
        BpfOp.Jge64 => OpCodes.Bge_Un,
        BpfOp.Jlt64 => OpCodes.Blt_Un,
        BpfOp.Jle64 => OpCodes.Ble_Un,
        BpfOp.Jsgt64 => OpCodes.Bgt,
        BpfOp.Jsge64 => OpCodes.Bge,
        BpfOp.Jslt64 => OpCodes.Blt,
        _ => OpCodes.Ble,
    };
}
