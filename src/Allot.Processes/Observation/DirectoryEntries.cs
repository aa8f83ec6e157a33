// Walks the entries of a directory through a caller's buffer, so that polling /proc costs no allocation.
// A record is: inode (8 bytes), next offset (8), record length (2), type (1), name, zero byte.

using System.Buffers.Binary;

namespace Allot.Processes.Observation;

internal ref struct DirectoryEntries
{
    private const int TypeOffset = 18;
    private const int NameOffset = 19;
    private const byte DirectoryType = 4;

    private readonly int _descriptor;
    private readonly Span<byte> _buffer;
    private int _next;
    private int _end;

    /// <summary>The walker neither opens nor closes the descriptor.</summary>
    internal DirectoryEntries(int descriptor, Span<byte> buffer)
    {
        _descriptor = descriptor;
        _buffer = buffer;
    }

    /// <summary>The name of the current entry; valid until the next move.</summary>
    internal ReadOnlySpan<byte> Name { get; private set; }

    internal bool IsDirectory { get; private set; }

    /// <summary>False at the end, and when the directory has vanished meanwhile. Skips "." and "..".</summary>
    internal bool MoveNext()
    {
        while (true)
        {
            if (_next >= _end)
            {
                _end = ProcFiles.ReadEntries(_descriptor, _buffer);
                _next = 0;
                if (_end <= 0) return false;
            }

            Span<byte> record = _buffer[_next.._end];
            int length = BinaryPrimitives.ReadUInt16LittleEndian(record[16..]);
            _next += length;
            ReadOnlySpan<byte> name = record[NameOffset..length];
            name = name[..name.IndexOf((byte)0)];
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) continue;
            Name = name;
            IsDirectory = record[TypeOffset] == DirectoryType;
            return true;
        }
    }
}
