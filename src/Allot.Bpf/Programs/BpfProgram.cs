using System.Runtime.CompilerServices;

namespace Allot.Bpf;

/// <summary>A program that was accepted, and whose memory its group pays for.</summary>
/// <remarks>Runs may be made from any thread, also at the same time. Dispose it after the last one.</remarks>
public sealed unsafe class BpfProgram : IDisposable
{
    private readonly BpfCode _code;
    private BpfOperation* _operations;
    private BpfExecution? _idle;

    private BpfProgram(MemoryGroup group, BpfCode code, BpfProgramOptions options)
    {
        Group = group;
        Name = options.Name;
        InstructionBudget = options.InstructionBudget;
        _code = code;
        _operations = (BpfOperation*)group.Allocator(MemoryKind.Kernel).Allocate(
            (nuint)(code.Operations.Length * sizeof(BpfOperation)));
        var target = new Span<BpfOperation>(_operations, code.Operations.Length);
        code.Operations.CopyTo(target);
        for (int index = 0; index < target.Length; index++)
        {
            BpfOperation one = target[index];
            if (one.Op != BpfOp.CallLocal) continue;
            target[index] = new BpfOperation(
                one.Op, one.Destination, one.Source, one.Offset, code.LengthOf(code.FunctionOf(one.Offset)));
        }
    }

    /// <summary>What the program is called in messages.</summary>
    public string Name { get; }

    /// <summary>The group that pays for the program.</summary>
    public MemoryGroup Group { get; }

    /// <summary>The most instructions of one run.</summary>
    public long InstructionBudget { get; }

    /// <summary>Verifies a program and makes it ready to run.</summary>
    /// <param name="group">Who pays for it: kernel memory, from the first byte on.</param>
    /// <param name="instructions">The instructions, 8 bytes each.</param>
    /// <param name="options">How it is loaded and run; null for the defaults.</param>
    /// <returns>The program.</returns>
    /// <exception cref="BpfRefusedException">The program is malformed, or not proven to be safe.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public static BpfProgram Load(
        MemoryGroup group, ReadOnlySpan<byte> instructions, BpfProgramOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        return new BpfProgram(group, BpfDecoder.Decode(instructions), options ?? new BpfProgramOptions());
    }

    /// <summary>Runs the program.</summary>
    /// <param name="memory">What the program may read and write: its address is in r1, its length in r2.</param>
    /// <returns>What the program leaves in r0.</returns>
    /// <exception cref="BpfFaultException">The run ended before its exit.</exception>
    public ulong Run(Span<byte> memory)
    {
        BpfExecution execution = Rent();
        try
        {
            ulong result = Run(execution, memory);
            return execution.FaultKind == BpfFaultKind.None
                ? result
                : throw new BpfFaultException(execution.Fault, execution.Failure);
        }
        finally
        {
            Return(execution);
        }
    }

    /// <summary>Runs the program, without an exception when it fails.</summary>
    /// <param name="memory">What the program may read and write: its address is in r1, its length in r2.</param>
    /// <param name="result">What the program leaves in r0; 0 when false is returned.</param>
    /// <param name="fault">Why and where the run ended when false is returned.</param>
    /// <returns>False when the run ended before its exit.</returns>
    public bool TryRun(Span<byte> memory, out ulong result, out BpfFault fault)
    {
        BpfExecution execution = Rent();
        try
        {
            result = Run(execution, memory);
            fault = execution.Fault;
            return execution.FaultKind == BpfFaultKind.None;
        }
        finally
        {
            Return(execution);
        }
    }

    /// <summary>Gives the memory of the program back to its group.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _idle, null)?.Dispose();
        GroupMemory.Free((byte*)_operations);
        _operations = null;
    }

    private ulong Run(BpfExecution execution, Span<byte> memory)
    {
        ObjectDisposedException.ThrowIf(_operations == null, this);
        fixed (byte* address = memory)
        {
            execution.Begin(address, (ulong)memory.Length, InstructionBudget);
            return BpfInterpreter.Run(
                execution, _operations, _code.LengthOf(0), (ulong)address, (ulong)memory.Length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private BpfExecution Rent() => Interlocked.Exchange(ref _idle, null) ?? new BpfExecution(Group);

    private void Return(BpfExecution execution) => Interlocked.Exchange(ref _idle, execution)?.Dispose();
}
