namespace Allot.Bpf;

/// <summary>The arguments that an engine begins a function with.</summary>
internal readonly record struct CallbackArguments(ulong R1, ulong R2, ulong R3 = 0, ulong R4 = 0);
