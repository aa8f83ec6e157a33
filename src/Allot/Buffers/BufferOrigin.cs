using System.Diagnostics;

namespace Allot;

/// <summary>Where a buffer is from, while <see cref="AllocationChecks"/> are on.</summary>
/// <param name="Group">Who was charged.</param>
/// <param name="Place">Where it was allocated.</param>
internal sealed record BufferOrigin(MemoryGroup Group, StackTrace Place);
