using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Compiles one function.</summary>
[RequiresDynamicCode("Makes code at run time.")]
internal sealed partial class FunctionCompiler(
    BpfCode code,
    BpfOperation[] operations,
    AccessPlace[]? places,
    GroupMap[] maps,
    DynamicMethod[] methods,
    bool notesCalls)
{
    private readonly Dictionary<int, Label> _labels = [];
    private readonly List<Action> _cold = [];
    private readonly LocalBuilder?[] _registers = new LocalBuilder?[11];   // those that are no arguments
    private readonly LocalBuilder?[] _limit = new LocalBuilder?[9];   // by the size of an access: its places are below
    private LocalBuilder? _base;     // of the memory of the run
    private LocalBuilder? _length;

    // What is rotated, by the shift before which it is there.
    private readonly Dictionary<int, LocalBuilder> _kept = [];
    private Dictionary<int, Rotation> _rotations = [];
    private Dictionary<int, MemoryAccess> _known = [];
    private bool _isEntry;      // where runs begin: it has fewer arguments
    private bool _usesStack;
    private bool _usesBudget;
    private ILGenerator _il = null!;
    private LocalBuilder _address = null!;
    private LocalBuilder _stack = null!;
    private LocalBuilder _budget = null!;
    private Label _stop;
    private Label _stopInHelper;   // what is left of the budget is for the program that a tail call goes to

    /// <summary>The code of a function, which other functions and helpers call.</summary>
    public void Compile(int function) => Compile(function, methods[function]);

    /// <summary>The code of the program, which runs begin with.</summary>
    public void CompileEntry(DynamicMethod method)
    {
        _isEntry = true;
        _known = MemoryFlow.Find(code, operations, places);
        Compile(0, method);
    }

    private void Compile(int function, DynamicMethod method)
    {
        _il = method.GetILGenerator();
        int begin = code.Functions[function];
        int end = code.EndOf(function);
        for (int at = begin; at < end; at++)
        {
            if (operations[at].Op.IsJump() && !_labels.ContainsKey(operations[at].Offset))
            {
                _labels.Add(operations[at].Offset, _il.DefineLabel());
            }
        }

        _rotations = Rotations.Find(code, operations, function, _labels.ContainsKey);
        Prologue(begin, end);
        for (int at = begin; at < end; at = code.Next(at))
        {
            if (_labels.TryGetValue(at, out Label label)) _il.MarkLabel(label);
            One(at, operations[at]);
        }

        // Adding to the list while it is walked would be a mistake, but nothing cold has anything colder.
        foreach (Action emit in _cold) emit();
        _il.MarkLabel(_stopInHelper);
        StoreBudget();
        _il.MarkLabel(_stop);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ret);
    }

    private void Prologue(int begin, int end)
    {
        _stop = _il.DefineLabel();
        _stopInHelper = _il.DefineLabel();
        _address = _il.DeclareLocal(typeof(ulong));
        _stack = _il.DeclareLocal(typeof(ulong));
        _budget = _il.DeclareLocal(typeof(long));
        foreach (Rotation rotation in _rotations.Values)
        {
            _kept[rotation.KeptAt] = _il.DeclareLocal(rotation.Is32 ? typeof(uint) : typeof(ulong));
        }

        foreach (int register in _isEntry ? (int[])[0, 3, 4, 5, 6, 7, 8, 9] : [0, 6, 7, 8, 9])
        {
            _registers[register] = _il.DeclareLocal(typeof(ulong));
        }

        for (int at = begin; at < end; at++) Note(at);
        if (_usesStack)
        {
            LoadField(CompilerMembers.Stack);
            _il.Emit(OpCodes.Conv_U8);
            _il.Emit(OpCodes.Stloc, _stack);
        }

        if (_usesStack && _isEntry)
        {
            LocalBuilder frame = _registers[10] = _il.DeclareLocal(typeof(ulong));
            _il.Emit(OpCodes.Ldloc, _stack);
            Add(BpfExecution.StackBytes);
            _il.Emit(OpCodes.Stloc, frame);
        }

        LoadBudget();
        for (int at = begin; at < end; at++) PrepareAccess(at);
    }

    // Of what there is no need, nothing is loaded.
    private void Note(int at)
    {
        BpfOperation operation = operations[at];
        bool isCall = operation.Op == BpfOp.CallLocal || (CallsHelper(operation.Op) && NeedsFrame(operation));
        bool isBack = operation.Op.IsJump() && operation.Offset <= at;
        _usesBudget |= isBack || operation.Op is BpfOp.CallLocal or BpfOp.MayGoto;
        _usesStack |= isCall || operation.Source == 10 || operation.Destination == 10
            || (IsPlainAccess(at) && !UsesMemory(at));
    }

    // What the check of an access needs.
    private void PrepareAccess(int at)
    {
        int bytes = IsPlainAccess(at) ? operations[at].Op.AccessBytes() : 0;
        if (bytes == 0 || !UsesMemory(at)) return;
        _base ??= Memory(register: 1, CompilerMembers.Memory);
        _length ??= Memory(register: 2, CompilerMembers.MemoryBytes);
        bool isConstant = _known.TryGetValue(at, out MemoryAccess known)
            && (known.IsInside || (known.Index == BpfOperation.Zero && known.Offset >= 0));
        if (isConstant || _limit[bytes] is not null) return;
        LocalBuilder limit = _limit[bytes] = _il.DeclareLocal(typeof(ulong));
        Label isShort = _il.DefineLabel();   // and then the limit stays 0
        _il.Emit(OpCodes.Ldloc, _length);
        _il.Emit(OpCodes.Ldc_I8, (long)bytes);
        _il.Emit(OpCodes.Blt_Un, isShort);
        _il.Emit(OpCodes.Ldloc, _length);
        _il.Emit(OpCodes.Ldc_I8, (long)(bytes - 1));
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, limit);
        _il.MarkLabel(isShort);
    }

    // With a check of its own in the code.
    private bool IsPlainAccess(int at)
    {
        BpfOp op = operations[at].Op;
        return (op.IsLoad() || op.IsStore()) && !op.IsOrdered();
    }

    private LocalBuilder Memory(int register, FieldInfo field)
    {
        LocalBuilder local = _il.DeclareLocal(typeof(ulong));
        if (_isEntry) Get(register);
        else LoadField(field);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Stloc, local);
        return local;
    }

    private void One(int at, BpfOperation operation)
    {
        BpfOp op = operation.Op;
        if (op.IsArithmetic()) Arithmetic(at, operation);
        else if (op.IsOrdered()) Ordered(at, operation);
        else if (op.IsLoad()) Load(at, operation);
        else if (op.IsStore()) Store(at, operation);
        else if (op.IsAtomic()) Atomic(at, operation);
        else if (op.IsCast()) Cast(operation);
        else if (op == BpfOp.Arena) InArena(at, operation);
        else if (op.IsJump()) Jump(at, operation);
        else if (op.IsConstant()) Set(operation.Destination, () => _il.Emit(OpCodes.Ldc_I8, operation.Number));
        else if (CallsHelper(op)) CallHelper(at, operation);
        else if (op == BpfOp.CallLocal) CallLocal(at, operation);
        else if (op == BpfOp.Exit) Exit();
    }

    private void Jump(int at, BpfOperation operation)
    {
        Label target = _labels[operation.Offset];
        if (operation.Offset > at)
        {
            JumpTo(operation, target);
            return;
        }

        // Backwards, through the budget.
        Label pays = _il.DefineLabel();
        Label goesOn = _il.DefineLabel();
        JumpTo(operation, pays);
        if (operation.Op != BpfOp.Ja) _il.Emit(OpCodes.Br, goesOn);
        _il.MarkLabel(pays);
        Pay(at - operation.Offset + 1, at);
        _il.Emit(OpCodes.Br, target);
        _il.MarkLabel(goesOn);
    }

    private void Pay(long cost, int at)
    {
        Label outOfBudget = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldc_I8, cost);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _budget);
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Blt, outOfBudget);
        _cold.Add(() =>
        {
            _il.MarkLabel(outOfBudget);
            Fail(BpfFaultKind.OutOfBudget, at, 0);
        });
    }

    private static bool CallsHelper(BpfOp op) => op is BpfOp.CallHelper or BpfOp.CallRegister;

    // Of a helper that only the run knows, it may.
    private static bool NeedsFrame(BpfOperation operation) =>
        operation.Op == BpfOp.CallRegister || operation.Number != 0;

    private void CallHelper(int at, BpfOperation operation)
    {
        bool needsFrame = NeedsFrame(operation);
        bool isNumbered = operation.Op == BpfOp.CallRegister;
        if (needsFrame)
        {
            StoreBudget();
            GetExecution();
            Get(10);
            _il.Emit(OpCodes.Stfld, CompilerMembers.FrameEnd);
        }

        Set(0, () =>
        {
            GetExecution();
            if (isNumbered) Get(operation.Source);
            else _il.Emit(OpCodes.Ldc_I4, operation.Offset);
            for (int register = 1; register <= 5; register++) Get(register);
            _il.Emit(OpCodes.Ldc_I4, at);
            _il.Emit(OpCodes.Call, isNumbered ? CompilerMembers.CallNumbered : CompilerMembers.CallHelper);
        });
        StopIfStopped(needsFrame ? _stop : _stopInHelper);
        if (!needsFrame) return;
        LoadBudget();
    }

    private void CallLocal(int at, BpfOperation operation)
    {
        Label tooDeep = _il.DefineLabel();
        Get(10);
        _il.Emit(OpCodes.Ldc_I8, (long)BpfExecution.FrameBytes);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldloc, _stack);
        _il.Emit(OpCodes.Beq, tooDeep);
        _cold.Add(() =>
        {
            _il.MarkLabel(tooDeep);
            Fail(BpfFaultKind.CallTooDeep, at, 0);
        });
        Pay(operation.Number, operation.Offset);
        StoreBudget();
        if (notesCalls)
        {
            GetExecution();
            Get(10);
            _il.Emit(OpCodes.Ldc_I4, at);
            _il.Emit(OpCodes.Call, CompilerMembers.NoteCall);
        }

        Set(0, () =>
        {
            GetExecution();
            Get(10);
            _il.Emit(OpCodes.Ldc_I8, (long)BpfExecution.FrameBytes);
            _il.Emit(OpCodes.Sub);
            for (int register = 1; register <= 5; register++) Get(register);
            _il.Emit(OpCodes.Call, methods[code.FunctionOf(operation.Offset)]);
        });
        StopIfStopped(_stop);
        LoadBudget();
    }

    private void Exit()
    {
        StoreBudget();
        Get(0);
        _il.Emit(OpCodes.Ret);
    }

    private void LoadBudget()
    {
        if (!_usesBudget) return;
        LoadField(CompilerMembers.Budget);
        _il.Emit(OpCodes.Stloc, _budget);
    }

    private void StoreBudget()
    {
        if (!_usesBudget) return;
        GetExecution();
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Stfld, CompilerMembers.Budget);
    }

    private void StopIfStopped(Label stop)
    {
        LoadField(CompilerMembers.IsStopped);
        _il.Emit(OpCodes.Brtrue, stop);
    }

    private void Fail(BpfFaultKind kind, int at, int bytes)
    {
        GetExecution();
        _il.Emit(OpCodes.Ldc_I4, (int)kind);
        _il.Emit(OpCodes.Ldc_I4, at);
        if (bytes == 0)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_U8);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _address);
        }

        _il.Emit(OpCodes.Ldc_I4, bytes);
        _il.Emit(OpCodes.Call, CompilerMembers.Fail);
        _il.Emit(OpCodes.Br, _stop);
    }

    private void LoadField(FieldInfo field)
    {
        GetExecution();
        _il.Emit(OpCodes.Ldfld, field);
    }

    private void GetExecution() => _il.Emit(_isEntry ? OpCodes.Ldarg_1 : OpCodes.Ldarg_0);

    private void Get(int register)
    {
        if (_registers[register] is { } local) _il.Emit(OpCodes.Ldloc, local);
        else _il.Emit(OpCodes.Ldarg, ArgumentOf(register));
    }

    private void Set(int register, Action value)
    {
        value();
        if (_registers[register] is { } local) _il.Emit(OpCodes.Stloc, local);
        else _il.Emit(OpCodes.Starg, ArgumentOf(register));
    }

    // After the execution come r10, r1, r2 and so on; where runs begin, r1 and r2.
    private static short ArgumentOf(int register) => (short)(register == 10 ? 1 : register + 1);

    // The second operand.
    private void GetSecond(BpfOperation operation)
    {
        if (operation.HasNumber) _il.Emit(OpCodes.Ldc_I8, operation.Number);
        else Get(operation.Source);
    }
}
