namespace Allot.Bpf;

/// <content>Functions of the program that helpers call. Each call takes the next of the 512 bytes of stack that
/// functions have, so calls inside of calls end there, and costs what a call by the program costs.</content>
public sealed unsafe partial class BpfExecution
{
    /// <summary>What a register holds for the first function of a program. It is nobody's address.</summary>
    internal const ulong FunctionBase = 0xb9f1_0000_0000_0000;

    internal ProgramFunctions? Functions;

    /// <summary>r10 of the function that has called the helper that runs, if the helper asks for it.</summary>
    internal ulong FrameEnd;

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

        (ulong frameEnd, int calledAt) = (FrameEnd, HelperCalledAt);
        ulong r10 = frameEnd - FrameBytes;
        if (r10 == (ulong)Stack)
        {
            Fail(BpfFaultKind.CallTooDeep, calledAt);
            return false;
        }

        if (!TryPay(cost)) return false;
        result = Functions.Call(this, (int)number, r10, arguments);
        (FrameEnd, HelperCalledAt) = (frameEnd, calledAt);
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
