// What holds between the limit of a group and its protection: neither MinBytes nor LowBytes is above Memory.MaxBytes.
// Memory that a group may not use cannot be kept for it, so one of the two numbers is a mistake. Linux accepts both.
//
// Both are set under the gate of the tree, so that of two that race the later one sees the earlier.

namespace Allot;

internal static class ProtectionBound
{
    private const string MinBytes = nameof(MemoryGroupOptions.MinBytes), LowBytes = nameof(MemoryGroupOptions.LowBytes);

    /// <summary>Throws unless a group with these options can be.</summary>
    public static void Validate(MemoryGroupOptions options, MemoryGroup? parent, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.MinBytes, MinBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(options.LowBytes, LowBytes);
        if (options.MinBytes > options.MaxBytes) throw Above(MinBytes, options.MinBytes, options.MaxBytes, Path());
        if (options.LowBytes > options.MaxBytes) throw Above(LowBytes, options.LowBytes, options.MaxBytes, Path());

        string Path() => parent is null ? "/" : $"{parent.Path.TrimEnd('/')}/{name}";
    }

    /// <summary>Sets a protection; on a removed group it does nothing.</summary>
    public static void Protect(MemoryGroup group, string property, long bytes, Action<GroupPolicy, long> set)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes, property);
        using (group.Controller.Reserves.Gate.EnterScope())
        {
            long maxBytes = group.Memory.MaxBytes;
            if (bytes > maxBytes) throw Above(property, bytes, maxBytes, group.Path);
            if (group.State == MemoryGroupState.Offline || (bytes == 0 && group.Policy is null)) return;
            set(group.EnsurePolicy(), bytes);
        }
    }

    /// <summary>Throws if a limit is below the protection of the group.</summary>
    public static void ValidateMax_NeedsGate(MemoryGroup group, long maxBytes)
    {
        if (group.Policy is not { } policy || maxBytes >= Math.Max(policy.MinBytes, policy.LowBytes)) return;
        bool isLow = policy.LowBytes > policy.MinBytes;
        (string property, long bytes) = isLow ? (LowBytes, policy.LowBytes) : (MinBytes, policy.MinBytes);
        throw Refused(
            nameof(MemoryCounter.MaxBytes),
            maxBytes,
            $"Cannot limit '{group.Path}' to {maxBytes} bytes: its {property} protects {bytes} bytes, and a group is "
                + $"protected at most as far as it may use memory. Lower {property} first, or set Memory.MaxBytes to "
                + $"{bytes} or more.");
    }

    private static ArgumentOutOfRangeException Above(string property, long bytes, long maxBytes, string path) =>
        Refused(
            property,
            bytes,
            $"Cannot protect {bytes} bytes of '{path}' with {property}: its limit is {maxBytes} bytes, and a group is "
                + $"protected at most as far as it may use memory. Raise Memory.MaxBytes first, or set {property} to "
                + $"{maxBytes} or less.");

    private static ArgumentOutOfRangeException Refused(string property, long bytes, string message) =>
        new(property, bytes, message);
}
