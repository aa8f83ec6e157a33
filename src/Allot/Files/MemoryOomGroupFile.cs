namespace Allot;

/// <summary>Whether the out-of-memory policy kills the group and everything below it as one.</summary>
internal sealed class MemoryOomGroupFile(MemoryGroup group) : GroupFile(group, "memory.oom.group")
{
    public override bool CanWrite => true;

    private protected override string Advice => "Write 1 to have all of it killed as one, 0 for single groups.";

    private protected override string ReadCore() => Group.KillsAsOne ? "1\n" : "0\n";

    private protected override long WriteCore(string text)
    {
        string trimmed = text.Trim();
        if (trimmed is not ("0" or "1")) throw Invalid(text, "is neither 0 nor 1");
        Group.KillsAsOne = trimmed == "1";
        return 0;
    }
}
