using System.Buffers.Text;
using System.Text;
using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Cgroups;

/// <summary>
/// A control file that is read again and again: it stays open, and each reading is one pread into a buffer that is
/// reused, without allocation. Not thread-safe, because of the buffer.
/// </summary>
internal sealed class CounterFile : IDisposable
{
    private readonly string _path;
    private int _descriptor;
    private byte[] _buffer = new byte[512];

    private CounterFile(string path, int descriptor)
    {
        _path = path;
        _descriptor = descriptor;
    }

    /// <summary>Null when the kernel does not have this file.</summary>
    internal static CounterFile? TryOpen(string path)
    {
        int descriptor = ProcFiles.Open(Encoding.UTF8.GetBytes(path + '\0'));
        return descriptor < 0 ? null : new CounterFile(path, descriptor);
    }

    /// <summary>The only number of the file; "max" reads as <see cref="long.MaxValue"/>.</summary>
    /// <exception cref="IOException">The cgroup was removed.</exception>
    internal long ReadNumber() => ParseNumber(ReadText());

    /// <summary>The number after a key at the start of a line.</summary>
    /// <exception cref="IOException">The cgroup was removed.</exception>
    internal bool TryReadKey(ReadOnlySpan<byte> key, out long number) => TryFindKey(ReadText(), key, out number);

    internal static bool TryFindKey(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key, out long number)
    {
        while (!text.IsEmpty)
        {
            if (text.Length > key.Length && text[key.Length] == ' ' && text.StartsWith(key))
            {
                number = ParseNumber(text[(key.Length + 1)..]);
                return true;
            }
            int feed = text.IndexOf((byte)'\n');
            text = feed < 0 ? default : text[(feed + 1)..];
        }
        number = 0;
        return false;
    }

    /// <summary>The whole text, valid until the next reading of this file.</summary>
    /// <exception cref="IOException">The cgroup was removed.</exception>
    internal ReadOnlySpan<byte> ReadText()
    {
        ObjectDisposedException.ThrowIf(_descriptor < 0, this);
        while (true)
        {
            int length = ProcFiles.ReadFromStart(_descriptor, _buffer);
            if (length < 0) throw new IOException($"Cannot read '{_path}': {Errno.Message(-length)}.");
            if (length < _buffer.Length) return _buffer.AsSpan(0, length);
            _buffer = new byte[_buffer.Length * 2];   // was full: there may be more
        }
    }

    public void Dispose()
    {
        if (_descriptor >= 0) ProcFiles.Close(_descriptor);
        _descriptor = -1;
    }

    private static long ParseNumber(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("max"u8)) return long.MaxValue;
        if (Utf8Parser.TryParse(text, out ulong number, out _)) return (long)Math.Min(number, long.MaxValue);
        return 0;
    }
}
