namespace Allot.Bpf;

/// <summary>What executes a program. The results are the same.</summary>
public enum BpfEngine
{
    /// <summary>The compiler where code can be made at run time, otherwise the interpreter.</summary>
    Automatic,

    /// <summary>The interpreter: nothing is compiled, and every instruction costs about ten times as much.</summary>
    Interpreter,

    /// <summary>The compiler; loading fails where code cannot be made at run time.</summary>
    Compiler,
}
