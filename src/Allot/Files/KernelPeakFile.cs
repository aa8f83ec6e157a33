namespace Allot;

/// <summary>The most kernel memory in use, since it was last reset by whomever.</summary>
internal sealed class KernelPeakFile(MemoryGroup group) : ResettableFile(group, "memory.kmem.max_usage_in_bytes")
{
    private protected override string Advice => "Write 0 to start again from what is in use now.";

    private protected override long Number => KernelFileState.PeakBytes(Group);

    private protected override void Reset() => KernelFileState.ResetPeak(Group);
}
