using System.Buffers;

namespace Allot;

/// <summary>Native memory with an owner.</summary>
internal interface INativeBytes
{
    /// <summary>All of it; throws once it is given back.</summary>
    Span<byte> Span { get; }
}

/// <summary>Native memory as <see cref="Memory{T}"/>, which keeps the owner alive.</summary>
internal sealed unsafe class NativeBytes : MemoryManager<byte>
{
    private readonly INativeBytes _owner;

    private NativeBytes(INativeBytes owner) => _owner = owner;

    /// <summary>Whose memory it is: the same for all that it gives out.</summary>
    public object Owner => _owner;

    public static Memory<byte> MemoryOf(INativeBytes owner) => new NativeBytes(owner).CreateMemory(owner.Span.Length);

    public override Span<byte> GetSpan() => _owner.Span;

    // It does not move. What may go wrong is that it is given back meanwhile, which is the owner's business.
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        Span<byte> span = _owner.Span;
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, span.Length);
        fixed (byte* start = span) return new MemoryHandle(start + elementIndex, default, this);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
