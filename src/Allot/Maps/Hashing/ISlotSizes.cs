namespace Allot.Maps;

/// <summary>The sizes of a slot that is a key and its value.</summary>
internal interface ISlotSizes
{
    /// <summary>Of the key, rounded up to 8.</summary>
    nuint KeyBytes { get; }

    /// <summary>From slot to slot.</summary>
    nuint StrideBytes { get; }
}

/// <summary>Those of two types: the compiler knows them.</summary>
internal readonly unsafe struct SlotSizes<TKey, TValue> : ISlotSizes
    where TKey : unmanaged
    where TValue : unmanaged
{
    public nuint KeyBytes => (nuint)(sizeof(TKey) + 7) & ~(nuint)7;

    public nuint StrideBytes => KeyBytes + ((nuint)(sizeof(TValue) + 7) & ~(nuint)7);
}

/// <summary>Those of a table.</summary>
internal readonly struct SlotSizes(nuint keyBytes, nuint strideBytes) : ISlotSizes
{
    public nuint KeyBytes => keyBytes;

    public nuint StrideBytes => strideBytes;
}
