namespace Allot.Maps;

/// <summary>A key and the values that all processors have of it, while they are looked at.</summary>
/// <typeparam name="TKey">What the key is.</typeparam>
/// <typeparam name="TValue">What each processor has.</typeparam>
public readonly ref struct PerCpuElement<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    internal PerCpuElement(TKey key, PerCpuValues<TValue> values)
    {
        Key = key;
        Values = values;
    }

    /// <summary>The key.</summary>
    public TKey Key { get; }

    /// <summary>The values themselves.</summary>
    public PerCpuValues<TValue> Values { get; }

    /// <summary>The key and the values, each for itself.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">The values themselves.</param>
    public void Deconstruct(out TKey key, out PerCpuValues<TValue> values)
    {
        key = Key;
        values = Values;
    }
}
