using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A value as an update writes it.</summary>
internal unsafe interface IValueWriter
{
    /// <summary>Writes into a slot that nobody reads yet, or whose readers see that it is being replaced.</summary>
    /// <param name="value">The value of the first processor.</param>
    /// <param name="isNew">Whether the memory has an old element in it, which is not to be seen.</param>
    void Write(byte* value, bool isNew);
}

/// <summary>A value of any size.</summary>
internal readonly unsafe struct ValueBytes(byte* from, long bytes) : IValueWriter
{
    public void Write(byte* value, bool isNew) => Unsafe.CopyBlockUnaligned(value, from, (uint)bytes);
}

/// <summary>A value of a known type.</summary>
internal readonly unsafe ref struct TypedValue<TValue> : IValueWriter
    where TValue : unmanaged
{
    private readonly ref readonly TValue _from;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TypedValue(in TValue from) => _from = ref from;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(byte* value, bool isNew) => Unsafe.WriteUnaligned(value, _from);
}

/// <summary>The value of one processor; a new element is zero for all others.</summary>
internal readonly unsafe struct ProcessorValue(byte* from, long bytes, long processorBytes, int processor)
    : IValueWriter
{
    public void Write(byte* value, bool isNew)
    {
        for (int other = 0; isNew && other < GroupMap.ProcessorCount; other++)
        {
            new Span<byte>(value + (other * processorBytes), (int)bytes).Clear();
        }

        Unsafe.CopyBlockUnaligned(value + (processor * processorBytes), from, (uint)bytes);
    }
}

/// <summary>The values of all processors, each rounded up to 8 bytes.</summary>
internal readonly unsafe struct ProcessorValues(byte* from, long strideBytes, long processorBytes) : IValueWriter
{
    public void Write(byte* value, bool isNew)
    {
        for (int processor = 0; processor < GroupMap.ProcessorCount; processor++)
        {
            byte* source = from + (processor * strideBytes);
            Unsafe.CopyBlockUnaligned(value + (processor * processorBytes), source, (uint)strideBytes);
        }
    }
}
