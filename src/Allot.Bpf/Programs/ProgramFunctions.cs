namespace Allot.Bpf;

/// <summary>The functions of a program that helpers may call: those that the program names.</summary>
internal sealed unsafe class ProgramFunctions
{
    private readonly (int Start, int Length, bool IsNamed)[] _functions;
    private readonly CompiledFunction?[]? _compiled;
    private readonly BpfOperation* _operations;

    /// <param name="code">The program.</param>
    /// <param name="compiled">Its functions as machine code; null when it is interpreted.</param>
    /// <param name="operations">Its operations, for the interpreter.</param>
    public ProgramFunctions(BpfCode code, CompiledFunction?[]? compiled, BpfOperation* operations)
    {
        _compiled = compiled;
        _operations = operations;
        _functions = new (int, int, bool)[code.Functions.Length];
        for (int function = 0; function < _functions.Length; function++)
        {
            _functions[function] = (code.Functions[function], code.LengthOf(function), false);
        }

        foreach (BpfOperation operation in code.Operations)
        {
            if (operation.Op == BpfOp.LoadFunction) _functions[code.FunctionOf(operation.Offset)].IsNamed = true;
        }
    }

    /// <summary>What a call of a function costs; null when the program names none of that number.</summary>
    public int? CostOf(ulong function) =>
        function < (ulong)_functions.Length && _functions[function] is { IsNamed: true } found ? found.Length : null;

    /// <summary>Calls a function that the program names.</summary>
    /// <param name="run">The run. It has the fault if there is one, and then the result means nothing.</param>
    /// <param name="function">Its number.</param>
    /// <param name="r10">The end of its stack.</param>
    /// <param name="arguments">r1 to r4.</param>
    public ulong Call(BpfExecution run, int function, ulong r10, in CallbackArguments arguments)
    {
        (ulong r1, ulong r2, ulong r3, ulong r4) = arguments;
        return _compiled is null
            ? BpfInterpreter.Run(run, _operations, _functions[function].Start, r10, arguments)
            : _compiled[function]!(run, r10, r1, r2, r3, r4, 0);
    }
}
