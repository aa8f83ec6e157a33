// Finds io_uring descriptors and the buffers registered with them. Registered buffers stay pinned until the last
// descriptor of the ring closes, even when the process that registered them has died and VmPin shows them nowhere: a
// child that inherited the descriptor keeps them. This is how such pins are found again.
//
// What stays invisible: a ring that a process reaches only through a mapping or through a registered ring index after
// it closed the descriptor. Such a ring lives at most as long as that process.

using System.Buffers.Text;

namespace Allot.Processes.Observation;

/// <summary>One io_uring descriptor of one process.</summary>
/// <param name="Descriptor">Its number in that process.</param>
/// <param name="Inode">Names the ring: descriptors of one ring, in whichever process, have the same inode (5.14 and
/// later; 0 before).</param>
/// <param name="BufferCount">Registered buffer slots, also the empty ones.</param>
/// <param name="BufferBytes">Whole pages of the listed buffers; the kernel may pin more (a huge page counts
/// whole).</param>
/// <param name="BuffersListed">False when the ring was busy and the kernel listed the count only.</param>
internal readonly record struct IoUringFile(
    int Descriptor, ulong Inode, int BufferCount, long BufferBytes, bool BuffersListed);

internal static class IoUringFiles
{
    /// <summary>
    /// Replaces the contents of <paramref name="files"/> by the ring descriptors of a process. Allocates only when the
    /// list must grow. False when the process is gone or may not be read.
    /// </summary>
    internal static bool Read(int pid, List<IoUringFile> files)
    {
        files.Clear();
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int directory = ProcFiles.Open(ProcPath.Of(pid, "fd"u8, path));
        if (directory < 0) return false;
        try
        {
            var entries = new DirectoryEntries(directory, ProcFiles.EntryBuffer);
            while (entries.MoveNext())
            {
                if (!Utf8Parser.TryParse(entries.Name, out int descriptor, out _)) continue;
                if (IsRing(pid, descriptor) && TryReadRing(pid, descriptor, out IoUringFile file)) files.Add(file);
            }
            return true;
        }
        finally
        {
            ProcFiles.Close(directory);
        }
    }

    private static bool IsRing(int pid, int descriptor)
    {
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        Span<byte> target = stackalloc byte[32];
        int length = ProcFiles.ReadLink(ProcPath.Of(pid, "fd"u8, descriptor, path), target);
        return length > 0 && target[..length].SequenceEqual("anon_inode:[io_uring]"u8);
    }

    private static bool TryReadRing(int pid, int descriptor, out IoUringFile ring)
    {
        ring = default;
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int file = ProcFiles.Open(ProcPath.Of(pid, "fdinfo"u8, descriptor, path));
        if (file < 0) return false;   // closed meanwhile
        try
        {
            ring = Parse(descriptor, new LineReader(file, ProcFiles.FileBuffer));
            return true;
        }
        finally
        {
            ProcFiles.Close(file);
        }
    }

    /// <remarks>
    /// The section is "UserBufs:", a tab, the count, and below it one line "  index: 0xADDRESS/LENGTH" per buffer, or
    /// "  index: &lt;none&gt;". The next line that does not start with a space ends it.
    /// </remarks>
    private static IoUringFile Parse(int descriptor, LineReader lines)
    {
        ulong inode = 0;
        long bytes = 0;
        int count = 0, listed = 0;
        bool inBuffers = false;
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            if (line.StartsWith("ino:"u8)) inode = Number(line["ino:".Length..]);
            else if (line.StartsWith("UserBufs:"u8))
            {
                count = (int)Number(line["UserBufs:".Length..]);
                inBuffers = true;
            }
            else if (inBuffers && line.StartsWith(" "u8))
            {
                listed++;
                bytes += BufferBytes(line);
            }
            else if (inBuffers) break;
        }
        return new IoUringFile(descriptor, inode, count, bytes, listed == count);
    }

    private static ulong Number(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value.TrimStart("\t "u8), out ulong number, out _) ? number : 0;

    private static long BufferBytes(ReadOnlySpan<byte> line)
    {
        int prefix = line.IndexOf("0x"u8);
        if (prefix < 0) return 0;
        line = line[(prefix + 2)..];
        if (!Utf8Parser.TryParse(line, out ulong address, out int used, 'x')) return 0;
        if (used >= line.Length || line[used] != '/') return 0;
        if (!Utf8Parser.TryParse(line[(used + 1)..], out ulong length, out _)) return 0;
        return AddressRange.WholePages(address, length).LengthBytes;
    }
}
