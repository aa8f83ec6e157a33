using System.Reflection.Emit;
using Allot.Maps;

namespace Allot.Bpf;

/// <content>Loads, stores and atomic operations, each after its check.</content>
internal sealed partial class FunctionCompiler
{
    private void Load(int at, BpfOperation operation)
    {
        Action address =
            CheckedAddress(at, operation.Source, operation.Offset, operation.Op.AccessBytes(), writes: false);
        Set(operation.Destination, () =>
        {
            address();
            _il.Emit(OpCodes.Conv_U);
            _il.Emit(OpCodes.Unaligned, (byte)1);
            (OpCode load, OpCode extend) = operation.Op switch
            {
                BpfOp.Load8 => (OpCodes.Ldind_U1, OpCodes.Conv_U8),
                BpfOp.Load16 => (OpCodes.Ldind_U2, OpCodes.Conv_U8),
                BpfOp.Load32 => (OpCodes.Ldind_U4, OpCodes.Conv_U8),
                BpfOp.Load64 => (OpCodes.Ldind_I8, OpCodes.Nop),
                BpfOp.LoadSx8 => (OpCodes.Ldind_I1, OpCodes.Conv_I8),
                BpfOp.LoadSx16 => (OpCodes.Ldind_I2, OpCodes.Conv_I8),
                _ => (OpCodes.Ldind_I4, OpCodes.Conv_I8),
            };
            _il.Emit(load);
            _il.Emit(extend);
        });
    }

    private void Store(int at, BpfOperation operation)
    {
        int bytes = operation.Op.AccessBytes();
        Action address = CheckedAddress(at, operation.Destination, operation.Offset, bytes, writes: true);
        address();
        _il.Emit(OpCodes.Conv_U);
        GetSecond(operation);
        if (bytes < 8) _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Unaligned, (byte)1);
        _il.Emit(StoreOf(bytes));
    }

    // The runtime's own loads and stores of this kind are what volatile means in C#.
    private void Ordered(int at, BpfOperation operation)
    {
        bool isLoad = operation.Op.IsLoad();
        int bytes = operation.Op.AccessBytes();
        Address(isLoad ? operation.Source : operation.Destination, operation.Offset);
        GetExecution();
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Ldc_I4, bytes);
        _il.Emit(isLoad ? OpCodes.Ldc_I4_0 : OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Ldc_I4, at);
        _il.Emit(OpCodes.Call, CompilerMembers.MayDoOrdered);
        _il.Emit(OpCodes.Brfalse, _stop);
        if (isLoad) Set(operation.Destination, Load);
        else Store();

        void Load()
        {
            _il.Emit(OpCodes.Ldloc, _address);
            _il.Emit(OpCodes.Conv_U);
            _il.Emit(OpCodes.Volatile);
            _il.Emit(bytes switch
            {
                1 => OpCodes.Ldind_U1,
                2 => OpCodes.Ldind_U2,
                4 => OpCodes.Ldind_U4,
                _ => OpCodes.Ldind_I8,
            });
            _il.Emit(OpCodes.Conv_U8);
        }

        void Store()
        {
            _il.Emit(OpCodes.Ldloc, _address);
            _il.Emit(OpCodes.Conv_U);
            GetSecond(operation);
            if (bytes < 8) _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Volatile);
            _il.Emit(StoreOf(bytes));
        }
    }

    private static OpCode StoreOf(int bytes) => bytes switch
    {
        1 => OpCodes.Stind_I1,
        2 => OpCodes.Stind_I2,
        4 => OpCodes.Stind_I4,
        _ => OpCodes.Stind_I8,
    };

    private void Atomic(int at, BpfOperation operation)
    {
        Address(operation.Destination, operation.Offset);
        GetExecution();
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Ldc_I4, operation.Op.AccessBytes());
        _il.Emit(OpCodes.Ldc_I4, at);
        _il.Emit(OpCodes.Call, CompilerMembers.MayDoAtomic);
        _il.Emit(OpCodes.Brfalse, _stop);
        bool compares = operation.Op.As64() == BpfOp.CompareExchange64;
        if (operation.Op.IsFetch())
        {
            Set(compares ? 0 : operation.Source, Apply);
        }
        else
        {
            Apply();
            _il.Emit(OpCodes.Pop);
        }

        void Apply()
        {
            _il.Emit(OpCodes.Ldc_I4, (int)operation.Op);
            _il.Emit(OpCodes.Ldloc, _address);
            Get(operation.Source);
            Get(0);
            _il.Emit(OpCodes.Call, CompilerMembers.Apply);
        }
    }

    private void Address(int register, int offset)
    {
        Get(register);
        Add(offset);
        _il.Emit(OpCodes.Stloc, _address);
    }

    private void Add(int offset)
    {
        if (offset == 0) return;
        _il.Emit(OpCodes.Ldc_I8, (long)offset);
        _il.Emit(OpCodes.Add);
    }

    // Whether the fast check of an access is that of the memory of the run.
    private bool UsesMemory(int at)
    {
        if (_known.ContainsKey(at)) return true;
        BpfOperation operation = operations[at];
        int register = operation.Op.IsLoad() ? operation.Source : operation.Destination;
        if (register == 10) return false;
        return places is null || places[at].Kind is not (RegisterKind.Stack or RegisterKind.MapValue);
    }

    // A check that fails where the verifier has seen no other memory is a fault at once. That is more than a short cut:
    // code that comes back from a call keeps nothing in the registers that the call may use, in all of its loops.
    // Returns what has the address on the stack of the machine, once it was checked.
    private Action CheckedAddress(int at, int register, int offset, int bytes, bool writes)
    {
        if (_known.TryGetValue(at, out MemoryAccess known)) return CheckedAddress(at, known, bytes, writes);
        Address(register, offset);
        if (register != 10)   // which the decoder has seen to be inside
        {
            Label slow = _il.DefineLabel();
            _il.Emit(OpCodes.Ldloc, _address);
            bool isOnly = Bound(at, bytes);
            _il.Emit(OpCodes.Bge_Un, slow);
            AskOrFail(at, bytes, writes, slow, isOnly);
        }

        return () => _il.Emit(OpCodes.Ldloc, _address);
    }

    // At a place in the memory of the run: what is compared is its distance from there. The address is made anew where
    // it is needed, which costs nothing as part of an access.
    private Action CheckedAddress(int at, MemoryAccess known, int bytes, bool writes)
    {
        if (!known.IsInside)
        {
            Label slow = _il.DefineLabel();
            if (known.Index == BpfOperation.Zero && known.Offset >= 0)
            {
                _il.Emit(OpCodes.Ldloc, _length!);
                _il.Emit(OpCodes.Ldc_I8, known.Offset + (long)bytes);
                _il.Emit(OpCodes.Blt_Un, slow);
            }
            else
            {
                Distance();
                _il.Emit(OpCodes.Ldloc, _limit[bytes]!);
                _il.Emit(OpCodes.Bge_Un, slow);
            }

            AskOrFail(at, bytes, writes, slow, places is not null && places[at].Kind == RegisterKind.Memory, Whole);
        }

        return Whole;

        void Distance()
        {
            if (known.Index == BpfOperation.Zero)
            {
                _il.Emit(OpCodes.Ldc_I8, (long)known.Offset);
                return;
            }

            Get(known.Index);
            Add(known.Offset);
        }

        void Whole()
        {
            _il.Emit(OpCodes.Ldloc, _base!);
            if (known.Index != BpfOperation.Zero)
            {
                Get(known.Index);
                _il.Emit(OpCodes.Add);
            }

            Add(known.Offset);
        }
    }

    private void AskOrFail(int at, int bytes, bool writes, Label slow, bool isOnly, Action? address = null)
    {
        Label goesOn = default;
        if (!isOnly)
        {
            goesOn = _il.DefineLabel();
            _il.MarkLabel(goesOn);
        }

        _cold.Add(() =>
        {
            _il.MarkLabel(slow);
            if (address is not null)
            {
                address();
                _il.Emit(OpCodes.Stloc, _address);
            }

            if (!isOnly)
            {
                GetExecution();
                _il.Emit(OpCodes.Ldloc, _address);
                _il.Emit(OpCodes.Ldc_I4, bytes);
                _il.Emit(OpCodes.Call, writes ? CompilerMembers.MayWrite : CompilerMembers.MayRead);
                _il.Emit(OpCodes.Brtrue, goesOn);
            }

            Fail(BpfFaultKind.OutOfBounds, at, bytes);
        });
    }

    // Subtracts where the memory begins, and has the number for the comparison that places of an access are below.
    // Returns whether the verifier has seen the access there and nowhere else.
    private bool Bound(int at, int bytes)
    {
        RegisterKind kind = places is null ? RegisterKind.Unwritten : places[at].Kind;
        if (UsesMemory(at))
        {
            _il.Emit(OpCodes.Ldloc, _base!);
            _il.Emit(OpCodes.Sub);
            _il.Emit(OpCodes.Ldloc, _limit[bytes]!);
            return kind == RegisterKind.Memory;
        }

        if (kind == RegisterKind.MapValue
            && maps[places![at].Of].Region is (not 0, var regionBytes) region && regionBytes >= bytes)
        {
            _il.Emit(OpCodes.Ldc_I8, (long)region.Address);
            _il.Emit(OpCodes.Sub);
            _il.Emit(OpCodes.Ldc_I8, regionBytes - bytes + 1);
            return maps[places[at].Of] is ArrayMap;   // whose values stay where they are
        }

        _il.Emit(OpCodes.Ldloc, _stack);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldc_I8, (long)(BpfExecution.StackBytes - bytes + 1));
        return kind == RegisterKind.Stack;
    }
}
