using System.Diagnostics.CodeAnalysis;

namespace Allot.Tests.Slabs;

/// <summary>Tests of what the whole process shares, which no other test may use meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
[SuppressMessage("Naming", "CA1711", Justification = "It is what xunit calls it.")]
public sealed class AloneInProcess
{
    public const string Name = "alone in the process";
}
