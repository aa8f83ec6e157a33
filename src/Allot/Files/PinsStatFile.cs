namespace Allot;

/// <summary>What is locked and pinned: by kind, by source, and the oldest.</summary>
internal sealed class PinsStatFile(MemoryGroup group) : GroupFile(group, "pins.stat")
{
    private protected override string ReadCore()
    {
        PinStat stat = Group.ReadPinStat();
        return FileText.Keyed(
            ("locked", stat.LockedBytes),
            ("pinned", stat.PinnedBytes),
            ("memory_lock", stat.BytesOf(PinSource.MemoryLock)),
            ("secret", stat.BytesOf(PinSource.Secret)),
            ("managed_array", stat.BytesOf(PinSource.ManagedArray)),
            ("object_handle", stat.BytesOf(PinSource.ObjectHandle)),
            ("memory_pin", stat.BytesOf(PinSource.MemoryPin)),
            ("buffer_pool", stat.BytesOf(PinSource.BufferPool)),
            ("ring", stat.BytesOf(PinSource.Ring)),
            ("device", stat.BytesOf(PinSource.Device)),
            ("other", stat.BytesOf(PinSource.Other)),
            ("owners", stat.Count),
            ("oldest_bytes", stat.Oldest?.Bytes ?? 0),
            ("oldest_usec", (long)(stat.Oldest?.Age.TotalMicroseconds ?? 0)));
    }
}
