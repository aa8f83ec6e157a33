// From operations to IL, which the runtime compiles. Each function of a program becomes a method; its registers are the
// arguments and locals of that method, so most of them end up in registers of the processor.
//
// What the interpreter checks is checked here too: each access against the memory where the verifier says it is (a
// subtraction and a comparison, and the slow question only if that fails), and the budget at each jump backwards and
// call. A place in the stack at a constant distance from r10 needs no check: r10 never changes.

using System.Diagnostics.CodeAnalysis;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>The engine that makes machine code.</summary>
internal static class BpfCompiler
{
    /// <summary>Longer programs are interpreted: compiling them takes too long.</summary>
    public const int InstructionsMax = 1 << 15;

    // What machine code takes, roughly: the runtime does not tell.
    private const long InstructionBytes = 24;
    private const long FunctionBytes = 1024;

    // The first parameter is what the delegate is bound to, and nothing: a delegate of a static method that is not
    // bound to its first argument has to move all the others at each call.
    private static readonly Type[] s_entryParameters =
        [typeof(object), typeof(BpfExecution), typeof(ulong), typeof(ulong)];

    private static readonly object s_nothing = new();

    private static readonly Type[] s_parameters =
    [
        typeof(BpfExecution), typeof(ulong), typeof(ulong), typeof(ulong), typeof(ulong), typeof(ulong), typeof(ulong),
    ];

    /// <summary>Whether code can be made at run time here.</summary>
    [FeatureGuard(typeof(RequiresDynamicCodeAttribute))]
    public static bool IsSupported => RuntimeFeature.IsDynamicCodeSupported;

    /// <summary>What the code of a program is charged with: an estimate.</summary>
    public static long EstimateBytes(BpfCode code) =>
        (code.Operations.Length * InstructionBytes) + (code.Functions.Length * FunctionBytes);

    /// <summary>Compiles a program.</summary>
    /// <param name="code">The program.</param>
    /// <param name="operations">Its operations, with the numbers of helpers and the addresses of maps filled
    /// in.</param>
    /// <param name="places">Where the verifier has found accesses to be; null if it was not asked.</param>
    /// <param name="maps">The maps of the program.</param>
    /// <param name="notesCalls">Whether a helper asks who has called whom.</param>
    /// <returns>The program, and those of its functions that are called by their addresses.</returns>
    [RequiresDynamicCode("Makes code at run time.")]
    public static CompiledProgram Compile(
        BpfCode code, BpfOperation[] operations, AccessPlace[]? places, GroupMap[] maps, bool notesCalls)
    {
        var methods = new DynamicMethod[code.Functions.Length];
        for (int function = 0; function < methods.Length; function++)
        {
            methods[function] = New($"bpf{function}", s_parameters);
        }

        DynamicMethod entry = New("bpf", s_entryParameters);
        bool isFirstCalled = code.Operations.Any(static one => one.Op.NamesFunction() && one.Offset == 0);
        for (int function = isFirstCalled ? 0 : 1; function < methods.Length; function++)
        {
            new FunctionCompiler(code, operations, places, maps, methods, notesCalls).Compile(function);
        }

        new FunctionCompiler(code, operations, places, maps, methods, notesCalls).CompileEntry(entry);
        var compiled = new CompiledFunction?[methods.Length];
        foreach (BpfOperation operation in code.Operations)
        {
            if (operation.Op != BpfOp.LoadFunction) continue;
            int function = code.FunctionOf(operation.Offset);
            compiled[function] ??= methods[function].CreateDelegate<CompiledFunction>();
        }

        return new CompiledProgram(entry.CreateDelegate<CompiledEntry>(s_nothing), compiled);
    }

    [RequiresDynamicCode("Makes code at run time.")]
    private static DynamicMethod New(string name, Type[] parameters) =>
        new(name, typeof(ulong), parameters, typeof(BpfCompiler).Module, skipVisibility: true);
}
