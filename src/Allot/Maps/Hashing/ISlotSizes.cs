namespace Allot.Maps;

/// <summary>The sizes of a slot that is a key and its value, as constants.</summary>
internal interface ISlotSizes
{
    /// <summary>Of the key, rounded up to 8.</summary>
    static abstract int KeyBytes { get; }

    /// <summary>From slot to slot.</summary>
    static abstract int StrideBytes { get; }
}

/// <summary>Those of two types.</summary>
internal readonly unsafe struct SlotSizes<TKey, TValue> : ISlotSizes
    where TKey : unmanaged
    where TValue : unmanaged
{
    public static int KeyBytes => (sizeof(TKey) + 7) & ~7;

    public static int StrideBytes => KeyBytes + ((sizeof(TValue) + 7) & ~7);
}
