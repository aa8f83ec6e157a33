namespace Allot;

/// <summary>The limit of memory.</summary>
internal sealed class MemoryMaxFile(MemoryGroup group) : MemoryLimitFile(group, "memory.max")
{
    private protected override long Bytes => Group.Memory.MaxBytes;

    private protected override void Set(string text, long bytes)
    {
        try
        {
            Group.Memory.MaxBytes = bytes;
        }
        catch (ArgumentOutOfRangeException e)
        {
            (long min, long low) = (Group.MinBytes, Group.LowBytes);
            string knob = low > min ? "memory.low" : "memory.min";
            throw Invalid(text, $"is less than what the group is protected for: its {knob} is {Math.Max(min, low)}", e);
        }
    }
}
