using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Allot.Maps;

/// <summary>A key as the table uses it: keys of one size hash alike, however they are given.</summary>
internal unsafe interface ITableKey
{
    Vector128<byte> Hash(Vector128<byte> seed);

    bool Matches(byte* stored);

    void Store(byte* to);
}

/// <summary>A key of 8 bytes.</summary>
internal readonly unsafe struct Key8(ulong word) : ITableKey
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> Hash(Vector128<byte> seed) => TableHash.Of(word, seed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Matches(byte* stored) => *(ulong*)stored == word;

    public void Store(byte* to) => *(ulong*)to = word;
}

/// <summary>A key of 4 bytes.</summary>
internal readonly unsafe struct Key4(uint word) : ITableKey
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> Hash(Vector128<byte> seed) => TableHash.Of(word, seed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Matches(byte* stored) => *(uint*)stored == word;

    public void Store(byte* to) => *(uint*)to = word;
}

/// <summary>A key of any other size.</summary>
internal readonly unsafe struct KeyBytes(byte* key, int bytes) : ITableKey
{
    public Vector128<byte> Hash(Vector128<byte> seed) => TableHash.Of(key, bytes, seed);

    public bool Matches(byte* stored) =>
        new ReadOnlySpan<byte>(stored, bytes).SequenceEqual(new ReadOnlySpan<byte>(key, bytes));

    public void Store(byte* to) => Unsafe.CopyBlockUnaligned(to, key, (uint)bytes);
}
