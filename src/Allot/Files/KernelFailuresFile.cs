namespace Allot;

/// <summary>How often the limit of kernel memory refused, since it was last reset by whomever.</summary>
internal sealed class KernelFailuresFile(MemoryGroup group) : ResettableFile(group, "memory.kmem.failcnt")
{
    private protected override string Advice => "Write 0 to start again from 0.";

    private protected override long Number => KernelFileState.Failures(Group);

    private protected override void Reset() => KernelFileState.ResetFailures(Group);
}
