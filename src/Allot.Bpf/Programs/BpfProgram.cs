using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>A program that was accepted, and whose memory its group pays for.</summary>
/// <remarks>Runs may be made from any thread, also at the same time. Dispose it after the last one; maps that it uses
/// may be disposed before it, and keep their memory until then.</remarks>
public sealed unsafe class BpfProgram : IDisposable, ITailTarget
{
    private readonly GroupMap[] _maps;
    private readonly ArenaMap? _arena;
    private readonly BpfHelper[] _helpers;
    private readonly IReadOnlyDictionary<int, int>? _helpersByNumber;
    private readonly BpfOperation* _operations;
    private readonly int _length;               // of the first function: what entering it costs
    private readonly long _budget;              // what is left when a run has entered it
    private readonly CompiledEntry _engine;
    private readonly bool _isCompiled;
    private readonly ProgramFunctions _functions;
    private readonly MemoryCharge _charge;
    private readonly RunCounters? _counters;
    private readonly Action<string>? _trace;
    private readonly bool _isVerified;
    private readonly bool _isPlain;             // a run needs no more than its memory and its budget
    private readonly RunSlots _slots;
    private int _users = 1;                     // the owner, each stack, and each array of programs
    private int _isDisposed;

    private BpfProgram(MemoryGroup group, BpfProgramOptions options, MemoryCharge charge, LinkedProgram linked)
    {
        Group = group;
        Name = options.Name;
        InstructionBudget = options.InstructionBudget;
        VerifiedInstructions = linked.Verified?.VisitedInstructions ?? 0;
        VerifierBytes = linked.Verified?.ScratchBytes ?? 0;
        InstructionCount = linked.Operations.Length;
        _isVerified = linked.Verified is not null;
        _trace = options.Trace;
        MemoryBytesMin = options.MemoryBytesMin;
        _charge = charge;
        _maps = linked.Maps;
        _arena = _maps.OfType<ArenaMap>().FirstOrDefault();
        _helpers = linked.Helpers;
        _helpersByNumber = linked.HelpersByNumber;
        _length = linked.Code.LengthOf(0);
        _budget = options.InstructionBudget - _length;
        _isPlain = _isVerified && _budget >= 0 && !options.KeepsStatistics;
        _slots = new RunSlots(End);
        CompiledProgram? compiled = Compile(options.Engine, linked);
        _isCompiled = compiled is not null;
        _engine = compiled?.Entry ?? Interpret;
        if (_isCompiled) charge.Grow(BpfCompiler.EstimateBytes(linked.Code));
        nuint bytes = (nuint)(linked.Operations.Length * sizeof(BpfOperation));
        _operations = (BpfOperation*)group.Allocator(MemoryKind.Kernel).Allocate(bytes);
        linked.Operations.CopyTo(new Span<BpfOperation>(_operations, linked.Operations.Length));
        _functions = new ProgramFunctions(linked.Code, compiled?.Functions, _operations);
        int used = 0;
        try
        {
            if (options.KeepsStatistics) _counters = new RunCounters(group);
            for (; used < _maps.Length; used++) _maps[used].AddUser();
        }
        catch
        {
            while (used > 0) _maps[--used].Release();
            _counters?.Free();
            GroupMemory.Free((byte*)_operations);
            throw;
        }
    }

    /// <summary>What the program is called in messages.</summary>
    public string Name { get; }

    /// <summary>The group that pays for the program.</summary>
    public MemoryGroup Group { get; }

    /// <summary>The most instructions of one run.</summary>
    public long InstructionBudget { get; }

    /// <summary>The bytes that the memory of every run must have at least.</summary>
    public int MemoryBytesMin { get; }

    /// <summary>The number of instructions, those of its functions included.</summary>
    public int InstructionCount { get; }

    /// <summary>Whether the program was compiled; otherwise it is interpreted.</summary>
    public bool IsCompiled => _isCompiled;

    /// <summary>The instructions that the verifier has looked at, on all paths; 0 when it was not asked.</summary>
    public int VerifiedInstructions { get; }

    /// <summary>The most bytes that the verifier has needed at a time; they were charged while it did.</summary>
    public long VerifierBytes { get; }

    /// <summary>The bytes that the group is charged for the program: its instructions, the code that was compiled from
    /// them, which is an estimate, and the stack that is kept for the next run.</summary>
    public long ChargedBytes =>
        _charge.Bytes + GroupMemory.BytesOf((byte*)_operations) + _slots.ChargedBytes
        + (_counters?.ChargedBytes ?? 0);

    /// <summary>What the runs have taken; all 0 unless <see cref="BpfProgramOptions.KeepsStatistics"/>, and after the
    /// program has given its memory back.</summary>
    public BpfRunStatistics Statistics => _counters?.Read() ?? default;

    /// <summary>The maps that the program refers to by their index.</summary>
    public IReadOnlyList<GroupMap> Maps => _maps;

    /// <summary>Verifies a program and makes it ready to run.</summary>
    /// <param name="group">Who pays for it: kernel memory, from the first byte on, what the verifier needs
    /// included.</param>
    /// <param name="instructions">The instructions, 8 bytes each.</param>
    /// <param name="options">How it is loaded and run; null for the defaults.</param>
    /// <returns>The program.</returns>
    /// <exception cref="BpfRefusedException">The program is malformed, or not proven to be safe.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    /// <exception cref="PlatformNotSupportedException">The compiler was asked for, and code cannot be made at run time
    /// here.</exception>
    public static BpfProgram Load(
        MemoryGroup group, ReadOnlySpan<byte> instructions, BpfProgramOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        options ??= new BpfProgramOptions();
        MemoryCharge charge = group.Hold(MemoryKind.Kernel);
        try
        {
            BpfCode code = Decode(instructions, charge);
            var program = new BpfProgram(group, options, charge, LinkedProgram.Link(code, options, charge));
            charge.Resize(!program._isCompiled ? 0 : BpfCompiler.EstimateBytes(code));
            return program;
        }
        catch
        {
            charge.Dispose();
            throw;
        }
    }

    /// <summary>Runs the program.</summary>
    /// <param name="memory">What the program may read and write: its address is in r1, its length in r2.</param>
    /// <param name="state">What helpers of the host find in <see cref="BpfExecution.State"/>.</param>
    /// <returns>What the program leaves in r0.</returns>
    /// <exception cref="ArgumentException">The memory is shorter than the program was verified for.</exception>
    /// <exception cref="ObjectDisposedException">The program has been disposed.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused a stack for the run.</exception>
    /// <exception cref="BpfFaultException">The run ended before its exit.</exception>
    public ulong Run(Span<byte> memory, object? state = null)
    {
        ulong result = Run(memory, state, out BpfExecution? touched, out int slot);
        return touched is null ? result : FinishOrThrow(touched, slot, memory, result);
    }

    /// <summary>Runs the program, without an exception when it fails.</summary>
    /// <param name="memory">What the program may read and write: its address is in r1, its length in r2.</param>
    /// <param name="result">What the program leaves in r0; 0 when false is returned.</param>
    /// <param name="fault">Why and where the run ended when false is returned.</param>
    /// <returns>False when the run ended before its exit.</returns>
    public bool TryRun(Span<byte> memory, out ulong result, out BpfFault fault)
    {
        fault = default;
        result = Run(memory, state: null, out BpfExecution? touched, out int slot);
        if (touched is not null) result = Finish(touched, slot, memory, result, out fault, out _);
        return fault.Kind == BpfFaultKind.None;
    }

    /// <summary>Gives the memory of the program back to its group, once no run and no array of programs uses it.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _slots.Close();
        Release();
    }

    bool ITailTarget.IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    bool ITailTarget.TryAddUser() => UserCount.TryAdd(ref _users);

    void ITailTarget.Release() => Release();

    private void AddUser()
    {
        bool isGone = Volatile.Read(ref _isDisposed) != 0 || !UserCount.TryAdd(ref _users);
        ObjectDisposedException.ThrowIf(isGone, this);
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0) return;
        GroupMemory.Free((byte*)_operations);
        _counters?.Free();
        foreach (GroupMap map in _maps) map.Release();
        _charge.Dispose();
    }

    // The bytes as managed objects while they are read; only the native copy stays charged.
    private static BpfCode Decode(ReadOnlySpan<byte> instructions, MemoryCharge charge)
    {
        const int BytesEach = 48;
        charge.Grow((long)instructions.Length / BpfInstruction.Bytes * BytesEach);
        return BpfDecoder.Decode(instructions);
    }

    private static CompiledProgram? Compile(BpfEngine engine, LinkedProgram linked)
    {
        if (engine == BpfEngine.Interpreter) return null;
        if (!BpfCompiler.IsSupported)
        {
            return engine == BpfEngine.Automatic
                ? null
                : throw new PlatformNotSupportedException("Code cannot be made at run time here: use the interpreter.");
        }

        if (engine == BpfEngine.Automatic && linked.Operations.Length > BpfCompiler.InstructionsMax) return null;
        bool notesCalls = linked.Helpers.Any(static helper => helper.ReadsCalls);
        return BpfCompiler.Compile(linked.Code, linked.Operations, linked.Verified?.Places, linked.Maps, notesCalls);
    }

    // Nothing here throws between taking an execution and giving it back: what helpers throw is a fault. All that might
    // is in Finish, for an execution that is touched.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Run(Span<byte> memory, object? state, out BpfExecution? touched, out int slot)
    {
        if (memory.Length < MemoryBytesMin) throw TooShort(memory);
        BpfExecution execution = _slots.Take(out slot) ?? Begin(slot);
        if (state is not null) SetState(execution, state);
        ulong result;
        fixed (byte* address = memory) result = Run(execution, (ulong)address, (ulong)memory.Length);
        touched = execution.IsTouched ? execution : null;
        if (touched is null && !_slots.TryReturn(slot)) End(execution);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Run(BpfExecution execution, ulong memory, ulong bytes)
    {
        execution.Memory = (byte*)memory;
        execution.MemoryBytes = bytes;
        execution.Budget = _budget;
        return _isPlain && execution.Program == this && memory != 0
            ? _engine(execution, memory, bytes)
            : RunWithCare(execution, memory, bytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong RunWithCare(BpfExecution execution, ulong memory, ulong bytes)
    {
        if (_counters is null) return RunOne(execution, memory, bytes);
        long start = Stopwatch.GetTimestamp();
        ulong result = RunOne(execution, memory, bytes);
        if (execution.Next is not null) result = RunNext(execution, memory, bytes);
        _counters.Count(Stopwatch.GetTimestamp() - start, execution.FaultKind != BpfFaultKind.None);
        return result;
    }

    // The budget that is left is what it is without the instructions of this program.
    private ulong RunOne(BpfExecution execution, ulong memory, ulong bytes)
    {
        if (execution.Program != this) Enter(execution);
        if (!_isVerified) execution.CleanStack();

        // An empty memory may be nowhere, but what was proven was proven of an address that is not 0.
        else if (memory == 0) memory = execution.StackEnd;
        if (execution.Budget >= 0) return _engine(execution, memory, bytes);
        execution.Fail(BpfFaultKind.OutOfBudget, 0);
        return 0;
    }

    private ulong Interpret(BpfExecution execution, ulong memory, ulong bytes) =>
        BpfInterpreter.Run(execution, _operations, 0, execution.StackEnd, new(memory, bytes));

    private void Enter(BpfExecution execution)
    {
        execution.Program = this;
        execution.GoOnBudget = InstructionBudget / 2;
        execution.Maps = _maps;
        execution.Arena = _arena;
        execution.Helpers = _helpers;
        execution.HelpersByNumber = _helpersByNumber;
        execution.Functions = _functions;
        execution.Trace = _trace;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SetState(BpfExecution execution, object state)
    {
        execution.IsTouched = true;
        execution.State = state;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong FinishOrThrow(BpfExecution execution, int slot, Span<byte> memory, ulong result)
    {
        result = Finish(execution, slot, memory, result, out BpfFault fault, out Exception? failure);
        return fault.Kind == BpfFaultKind.None ? result : throw new BpfFaultException(fault, failure);
    }

    // What seldom has to be done after a run: other programs, sending its memory away, and cleaning up.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong Finish(
        BpfExecution execution, int slot, Span<byte> memory, ulong result, out BpfFault fault, out Exception? failure)
    {
        try
        {
            if (execution.Next is not null)
            {
                fixed (byte* address = memory) result = RunNext(execution, (ulong)address, (ulong)memory.Length);
            }

            (fault, failure) = (execution.Fault, execution.Failure);
            if (fault.Kind != BpfFaultKind.None) return 0;
            if (execution.Redirect.At != 0) execution.Redirect.Deliver(memory, result);
            return result;
        }
        finally
        {
            execution.CleanUp();
            if (!_slots.TryReturn(slot)) End(execution);
        }
    }

    // Text is made where it does not stand in the way of every run.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ArgumentException TooShort(Span<byte> memory) => new(
        $"The program was loaded for memory of at least {MemoryBytesMin} bytes; this has {memory.Length}.",
        nameof(memory));

    // One tail call after the other. Each program was given a user by the array that it was found in.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunNext(BpfExecution execution, ulong memory, ulong bytes)
    {
        ulong result = 0;
        while (execution.Next is BpfProgram next)
        {
            execution.GoOn();
            execution.Budget -= next._length;
            try
            {
                result = next.RunOne(execution, memory, bytes);
            }
            finally
            {
                next.Release();
            }
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private BpfExecution Begin(int slot)
    {
        bool isUser = false;
        try
        {
            AddUser();
            isUser = true;
            var execution = new BpfExecution(Group);
            _slots.Keep(slot, execution);
            return execution;
        }
        catch
        {
            _slots.TryReturn(slot);
            if (isUser) Release();
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void End(BpfExecution execution)
    {
        execution.End();
        Release();
    }
}
