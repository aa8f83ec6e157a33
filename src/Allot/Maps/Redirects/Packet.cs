namespace Allot.Maps;

/// <summary>A packet that was received, in memory that is paid for until this is disposed.</summary>
public unsafe ref struct Packet : IDisposable
{
    private readonly byte* _block;
    private readonly int _length;
    private PacketInbox? _queue;

    internal Packet(PacketInbox queue, byte* block, int length)
    {
        _queue = queue;
        _block = block;
        _length = length;
    }

    /// <summary>The bytes.</summary>
    /// <exception cref="ObjectDisposedException">The packet was disposed.</exception>
    public readonly Span<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_queue is null, typeof(Packet));
            return new Span<byte>(_block, _length);
        }
    }

    /// <summary>Gives the memory back. Twice does nothing more.</summary>
    public void Dispose()
    {
        PacketInbox? queue = _queue;
        _queue = null;
        queue?.Free(_block);
    }
}
