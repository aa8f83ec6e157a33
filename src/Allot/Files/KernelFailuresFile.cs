namespace Allot;

/// <summary>How often the limit of kernel memory refused, since it was last reset by whomever.</summary>
internal sealed class KernelFailuresFile(MemoryGroup group) : GroupFile(group, "memory.kmem.failcnt")
{
    public override bool CanWrite => true;

    private protected override string Advice => "Write 0 to start again from 0.";

    private protected override string ReadCore() => FileText.Number(KernelFileState.Failures(Group));

    private protected override long WriteCore(string text)
    {
        if (text.Length == 0) throw Invalid(text, "is empty");
        KernelFileState.ResetFailures(Group);
        return 0;
    }
}
