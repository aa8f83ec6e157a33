namespace Allot.Bpf;

/// <summary>What the runs of a program have taken: a snapshot of numbers that processors count for themselves.
/// </summary>
/// <param name="Runs">The runs that have ended.</param>
/// <param name="Faults">Those of them that did not reach their exit.</param>
/// <param name="Time">How long they took together, tail calls and helpers included.</param>
public readonly record struct BpfRunStatistics(long Runs, long Faults, TimeSpan Time);
