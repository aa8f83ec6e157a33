namespace Allot.Bpf;

/// <summary>A program as machine code, from its beginning.</summary>
/// <param name="execution">The run; it has the fault if there is one, and then the result means nothing.</param>
/// <param name="memory">The address of the memory of the run: r1.</param>
/// <param name="bytes">Its length: r2.</param>
/// <returns>What the program leaves in r0.</returns>
internal delegate ulong CompiledEntry(BpfExecution execution, ulong memory, ulong bytes);
