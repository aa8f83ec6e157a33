namespace Allot.Bpf.Tests.Fuzz;

/// <summary>A program has done what no program may; the message has its seed.</summary>
internal sealed class FuzzFailure(string message, Exception cause) : Exception(message, cause);
