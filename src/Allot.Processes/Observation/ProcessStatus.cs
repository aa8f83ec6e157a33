using System.Buffers.Text;

namespace Allot.Processes.Observation;

/// <summary>What /proc/PID/status tells of one process at one moment.</summary>
/// <remarks>
/// Amounts are bytes. The kernel leaves the Vm lines out for a process without memory of its own (a kernel thread, or a
/// zombie): then they are 0 and <see cref="HasMemory"/> is false. The lines are written one after the other while the
/// process runs, so two of them may be of slightly different moments.
/// </remarks>
internal readonly record struct ProcessStatus
{
    internal int ThreadGroupId { get; private init; }
    internal int ParentId { get; private init; }
    internal int ThreadCount { get; private init; }

    /// <summary>The kernel's letter: R running, S sleeping, D waiting for a device, T stopped, t traced, Z zombie, X
    /// dead.</summary>
    internal char State { get; private init; }

    /// <summary>Whether the process has an address space.</summary>
    internal bool HasMemory { get; private init; }

    internal long VirtualBytes { get; private init; }

    /// <summary>VmLck: pages locked by mlock, mlock2, mlockall, MAP_LOCKED. Locks do not stack.</summary>
    internal long LockedBytes { get; private init; }

    /// <summary>VmPin: pages pinned for devices and io_uring. One page pinned twice counts twice.</summary>
    internal long PinnedBytes { get; private init; }

    internal long PageTableBytes { get; private init; }

    /// <summary>The size of the table of descriptors, used or not: a fork copies it.</summary>
    internal long DescriptorSlots { get; private init; }

    /// <summary>The capabilities in effect, one bit each.</summary>
    internal ulong EffectiveCapabilities { get; private init; }

    /// <summary>True for a process that is dead and only waits for its parent.</summary>
    internal bool IsZombie => State is 'Z' or 'X';

    /// <summary>Reads without allocating. False when the process is gone; <paramref name="pid"/> may also be a
    /// thread.</summary>
    internal static bool TryRead(int pid, out ProcessStatus status)
    {
        status = default;
        int file = Open(pid);
        if (file < 0) return false;
        try
        {
            return TryParse(new LineReader(file, ProcFiles.FileBuffer), out status);
        }
        finally
        {
            ProcFiles.Close(file);
        }
    }

    /// <summary>Like <see cref="TryRead"/>, and looks for the memory at the other threads when the first one has ended,
    /// which is no end of the process. False when the process is gone or has no memory of its own.</summary>
    internal static bool TryReadMemory(int pid, out ProcessStatus status)
    {
        if (!TryRead(pid, out status)) return false;
        if (status.HasMemory) return true;
        if (status.ThreadCount <= 1) return false;
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int directory = ProcFiles.Open(ProcPath.Of(pid, "task"u8, path));
        if (directory < 0) return false;
        try
        {
            var entries = new DirectoryEntries(directory, ProcFiles.EntryBuffer);
            while (entries.MoveNext())
            {
                if (!Utf8Parser.TryParse(entries.Name, out int thread, out _) || thread == pid) continue;
                if (TryRead(thread, out status) && status.HasMemory) return true;
            }

            return false;
        }
        finally
        {
            ProcFiles.Close(directory);
        }
    }

    /// <summary>The file, for <see cref="TryReadFrom"/>; minus the errno when it cannot be opened.</summary>
    internal static int Open(int pid)
    {
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        return ProcFiles.Open(ProcPath.Of(pid, "status"u8, path));
    }

    /// <summary>Reads an open file from its start. False when the process that it was opened for is gone.</summary>
    internal static bool TryReadFrom(int file, out ProcessStatus status)
    {
        status = default;
        return ProcFiles.Rewind(file) && TryParse(new LineReader(file, ProcFiles.FileBuffer), out status);
    }

    private static bool TryParse(LineReader lines, out ProcessStatus status)
    {
        int threadGroup = 0, parent = 0, threads = 0;
        char state = '?';
        bool hasMemory = false;
        long size = 0, locked = 0, pinned = 0, tables = 0, slots = 0;
        ulong capabilities = 0;
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            int colon = line.IndexOf((byte)':');
            if (colon < 0) continue;
            ReadOnlySpan<byte> key = line[..colon];
            ReadOnlySpan<byte> value = line[(colon + 1)..].TrimStart(" \t"u8);
            if (key.SequenceEqual("Tgid"u8)) threadGroup = (int)Number(value);
            else if (key.SequenceEqual("PPid"u8)) parent = (int)Number(value);
            else if (key.SequenceEqual("State"u8)) state = value.IsEmpty ? '?' : (char)value[0];
            else if (key.SequenceEqual("VmSize"u8)) (hasMemory, size) = (true, Kibibytes(value));
            else if (key.SequenceEqual("VmLck"u8)) locked = Kibibytes(value);
            else if (key.SequenceEqual("VmPin"u8)) pinned = Kibibytes(value);
            else if (key.SequenceEqual("VmPTE"u8)) tables = Kibibytes(value);
            else if (key.SequenceEqual("FDSize"u8)) slots = Number(value);
            else if (key.SequenceEqual("Threads"u8)) threads = (int)Number(value);
            else if (key.SequenceEqual("CapEff"u8))
            {
                _ = Utf8Parser.TryParse(value, out capabilities, out _, 'x');
                break;   // the last line we want
            }
        }
        status = new ProcessStatus
        {
            ThreadGroupId = threadGroup,
            ParentId = parent,
            ThreadCount = threads,
            State = state,
            HasMemory = hasMemory,
            VirtualBytes = size,
            LockedBytes = locked,
            PinnedBytes = pinned,
            PageTableBytes = tables,
            DescriptorSlots = slots,
            EffectiveCapabilities = capabilities,
        };
        return threadGroup != 0;   // a process that ended between open and read gives no line at all
    }

    private static long Kibibytes(ReadOnlySpan<byte> value) => Number(value) * 1024;

    private static long Number(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out long number, out _) ? number : 0;
}
