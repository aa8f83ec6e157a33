// Reads a kernel text file line by line through a caller's buffer. Lines longer than the buffer are cut, never joined
// with the next one: no line that this project looks for comes near 16 KiB.

namespace Allot.Processes.Observation;

internal ref struct LineReader
{
    private readonly int _descriptor;
    private readonly Span<byte> _buffer;
    private int _start;
    private int _end;
    private bool _atEnd;
    private bool _skipToLineEnd;

    /// <summary>The reader neither opens nor closes the descriptor.</summary>
    internal LineReader(int descriptor, Span<byte> buffer)
    {
        _descriptor = descriptor;
        _buffer = buffer;
    }

    /// <summary>Minus the errno when reading failed; /proc says ESRCH when the process ends under the reader.</summary>
    internal int Error { get; private set; }

    /// <summary>The next line without its line feed; valid until the next call. False at the end or on an
    /// error.</summary>
    internal bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer[_start.._end];
            int feed = rest.IndexOf((byte)'\n');
            bool whole = feed >= 0;
            if (whole || (rest.Length == _buffer.Length) || (_atEnd && !rest.IsEmpty))
            {
                line = whole ? rest[..feed] : rest;
                _start += whole ? feed + 1 : rest.Length;
                bool tailOfCutLine = _skipToLineEnd;
                _skipToLineEnd = !whole;
                if (tailOfCutLine) continue;
                return true;
            }
            if (_atEnd)
            {
                line = default;
                return false;
            }
            Fill();
        }
    }

    private void Fill()
    {
        _buffer[_start.._end].CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        int count = ProcFiles.Read(_descriptor, _buffer[_end..]);
        if (count < 0) Error = count;
        if (count <= 0) _atEnd = true;
        else _end += count;
    }
}
