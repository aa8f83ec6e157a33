using System.Reflection;
using System.Reflection.Emit;

namespace Allot.Bpf;

/// <content>Accesses in an arena, which the run does.</content>
internal sealed partial class FunctionCompiler
{
    private void Cast(BpfOperation operation) => Set(operation.Destination, () =>
    {
        bool isFrom = operation.Op == BpfOp.CastFromArena;
        if (isFrom) GetExecution();
        Get(operation.Source);
        if (isFrom) _il.Emit(OpCodes.Call, CompilerMembers.FromArena);
        else ZeroExtend();
    });

    private void InArena(int at, BpfOperation operation)
    {
        BpfOp op = ArenaAccess.OpOf(operation.Offset);
        if (op.IsLoad())
        {
            Set(operation.Destination, () => Call(CompilerMembers.LoadInArena, () => Get(operation.Source)));
        }
        else if (op.IsStore())
        {
            Call(CompilerMembers.StoreInArena, () =>
            {
                Get(operation.Destination);
                GetSecond(operation);
            });
        }
        else if (op.IsFetch())
        {
            Set(op.As64() == BpfOp.CompareExchange64 ? 0 : operation.Source, Atomic);
        }
        else
        {
            Atomic();
            _il.Emit(OpCodes.Pop);
        }

        if (op.IsAtomic() || op.IsOrdered()) StopIfStopped(_stop);

        void Atomic() => Call(CompilerMembers.AtomicInArena, () =>
        {
            Get(operation.Destination);
            Get(operation.Source);
            Get(0);
        });

        void Call(MethodInfo method, Action arguments)
        {
            GetExecution();
            _il.Emit(OpCodes.Ldc_I4, operation.Offset);
            arguments();
            _il.Emit(OpCodes.Ldc_I4, at);
            _il.Emit(OpCodes.Call, method);
        }
    }
}
