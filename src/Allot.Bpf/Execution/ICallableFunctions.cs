namespace Allot.Bpf;

/// <summary>The functions of a program, as helpers that call them see them: whatever engine runs them.</summary>
internal interface ICallableFunctions
{
    /// <summary>What a call of a function costs; null when the program names none of that number.</summary>
    int? CostOf(ulong function);

    /// <summary>Calls a function that the program names.</summary>
    /// <param name="run">The run. It has the fault if there is one, and then the result means nothing.</param>
    /// <param name="function">Its number.</param>
    /// <param name="r10">The end of its stack.</param>
    /// <param name="arguments">r1 to r4.</param>
    ulong Call(BpfExecution run, int function, ulong r10, in CallbackArguments arguments);
}
