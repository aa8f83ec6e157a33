using Allot.Maps;

namespace Allot.Bpf;

/// <content>Functions of the program that helpers call. Each call takes the next of the 512 bytes of stack that
/// functions have, so calls inside of calls end there, and costs what a call by the program costs.</content>
public sealed unsafe partial class BpfExecution
{
    /// <summary>What a register holds for the first function of a program. It is nobody's address.</summary>
    internal const ulong FunctionBase = 0xb9f1_0000_0000_0000;

    internal ICallableFunctions? Functions;

    /// <summary>r10 of the function that has called the helper that runs, if the helper asks for it.</summary>
    internal ulong FrameEnd;

    /// <summary>Keys, values and records that are larger cost more than the instruction that copies or compares them.
    /// </summary>
    internal const long LargeBytes = 4096;

    /// <summary>Bytes that are copied or compared for one instruction of the budget.</summary>
    internal const long BytesPerInstruction = 64;

    // Where each function has called the next one, by the place of its stack.
    private readonly int[] _calledAt = new int[FramesMax];

    /// <summary>A function calls another one. Engines say so in programs with a helper that asks.</summary>
    internal void NoteCall(ulong r10, int instruction) => _calledAt[DepthOf(r10)] = instruction;

    /// <summary>The instructions that are being executed, the innermost first: the one that has called the helper that
    /// runs, and the calls that led there.</summary>
    /// <param name="frames">Room for <see cref="FramesMax"/>.</param>
    /// <returns>How many there are.</returns>
    internal int ReadCalls(Span<ulong> frames)
    {
        int depth = DepthOf(FrameEnd);
        frames[0] = (ulong)HelperCalledAt;
        for (int caller = depth - 1; caller >= 0; caller--) frames[depth - caller] = (ulong)_calledAt[caller];
        return depth + 1;
    }

    /// <summary>Takes from the budget for the copy of a value, if it is a large one.</summary>
    internal bool TryPayForValue(GroupMap map) => TryPayForBytes(map.Definition.ValueBytes);

    /// <summary>Takes from the budget for finding an element by its key, which is hashed and compared, if it is a
    /// large one.</summary>
    internal bool TryPayForKey(GroupMap map) => TryPayForBytes(map.Definition.KeyBytes);

    /// <summary>Takes from the budget for bytes that a helper looks at or copies, if there are many.</summary>
    internal bool TryPayForBytes(long bytes) => bytes <= LargeBytes || TryPay(bytes / BytesPerInstruction);

    /// <summary>The key of a map, for a helper to find an element by; it is paid for.</summary>
    internal bool TryReadKey(GroupMap map, ulong address, out byte* key) =>
        TryRead(address, map.Definition.KeyBytes, out key) && TryPayForKey(map);

    private int DepthOf(ulong r10) => (int)((StackEnd - r10) / FrameBytes);

    /// <summary>Calls a function of the program.</summary>
    /// <returns>False when the run has ended there; then the helper returns.</returns>
    internal bool TryCallBack(ulong function, in CallbackArguments arguments, out ulong result)
    {
        result = 0;
        ulong number = function - FunctionBase;
        if (Functions?.CostOf(number) is not { } cost)
        {
            Refuse();
            return false;
        }

        (ulong frameEnd, int calledAt, BpfHelper? helper) = (FrameEnd, HelperCalledAt, _helper);
        ulong r10 = frameEnd - FrameBytes;
        if (r10 == (ulong)Stack)
        {
            Fail(BpfFaultKind.CallTooDeep, calledAt);
            return false;
        }

        if (!TryPay(cost)) return false;
        NoteCall(frameEnd, calledAt);
        result = Functions.Call(this, (int)number, r10, arguments);
        (FrameEnd, HelperCalledAt, _helper) = (frameEnd, calledAt, helper);
        return !IsStopped;
    }

    /// <summary>Takes instructions from the budget, for a helper that needs it (see <see cref="BpfHelper.NeedsFrame"/>)
    /// and does the work of many.</summary>
    /// <returns>False when there are not so many left; then the helper returns.</returns>
    internal bool TryPay(long instructions)
    {
        Budget -= instructions;
        if (Budget >= 0) return true;
        Fail(BpfFaultKind.OutOfBudget, HelperCalledAt);
        return false;
    }
}
