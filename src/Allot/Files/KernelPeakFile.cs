namespace Allot;

/// <summary>The most kernel memory in use, since it was last reset by whomever.</summary>
internal sealed class KernelPeakFile(MemoryGroup group) : GroupFile(group, "memory.kmem.max_usage_in_bytes")
{
    public override bool CanWrite => true;

    private protected override string Advice => "Write 0 to start again from what is in use now.";

    private protected override string ReadCore() => FileText.Number(KernelFileState.PeakBytes(Group));

    private protected override long WriteCore(string text)
    {
        if (text.Length == 0) throw Invalid(text, "is empty");
        KernelFileState.ResetPeak(Group);
        return 0;
    }
}
