namespace Allot;

/// <summary>The numbers of one class, at one instant; a batch that passes between threads meanwhile may be missed, or
/// counted twice.</summary>
/// <param name="Spans">Spans that it has.</param>
/// <param name="Capacity">Blocks that they can have.</param>
/// <param name="Carved">Blocks that were ever made of them.</param>
/// <param name="Free">Of those, how many lie in the class; others are in use, or in the bins of threads.</param>
internal readonly record struct SlabClassCounts(int Spans, long Capacity, long Carved, long Free);
