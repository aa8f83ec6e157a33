using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>The values that all processors have of one element, to read and to write.</summary>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>They are the values themselves: programs and other threads may write them meanwhile. Of a hash, they may be
/// another key's once the element is removed. They stay good until the map is disposed.</remarks>
public readonly unsafe ref struct PerCpuValues<TValue>
    where TValue : unmanaged
{
    private readonly byte* _first;
    private readonly long _strideBytes;   // from processor to processor

    internal PerCpuValues(byte* first, long strideBytes, int count)
    {
        _first = first;
        _strideBytes = strideBytes;
        Count = first == null ? 0 : count;
    }

    /// <summary>The number of values: that of the processors, or 0 where there is no element.</summary>
    public int Count { get; }

    /// <summary>The value of a processor.</summary>
    /// <param name="processor">0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public ref TValue this[int processor]
    {
        get
        {
            if ((uint)processor >= (uint)Count) ThrowNoSuchValue(processor);
            return ref Unsafe.AsRef<TValue>(_first + (processor * _strideBytes));
        }
    }

    /// <summary>All values, in the order of the processors.</summary>
    public Enumerator GetEnumerator() => new(this);

    private static void ThrowNoSuchValue(int processor) =>
        throw new ArgumentOutOfRangeException(nameof(processor), processor, "There is no value of such a processor.");

    /// <summary>Goes from value to value.</summary>
    public ref struct Enumerator
    {
        private readonly PerCpuValues<TValue> _values;
        private int _processor;

        internal Enumerator(PerCpuValues<TValue> values)
        {
            _values = values;
            _processor = -1;
        }

        /// <summary>The value itself.</summary>
        public readonly ref TValue Current => ref _values[_processor];

        /// <summary>Goes to the next value.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext() => ++_processor < _values.Count;
    }
}
