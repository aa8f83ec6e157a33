namespace Allot.Bpf;

/// <summary>A program that was compiled.</summary>
/// <param name="Entry">Where runs begin.</param>
/// <param name="Functions">Those that are called by their addresses; null for all others.</param>
internal sealed record CompiledProgram(CompiledEntry Entry, CompiledFunction?[] Functions);
