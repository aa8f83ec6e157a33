using System.Runtime.Intrinsics;

namespace Allot.Maps;

/// <summary>What a lookup in a table of interleaved slots begins with.</summary>
/// <param name="Seed">Of the hash.</param>
/// <param name="Chunks">How many there are.</param>
/// <param name="Headers">The address of theirs.</param>
/// <param name="FirstValue">The address of the first value.</param>
internal readonly record struct HashHome(Vector128<byte> Seed, ulong Chunks, nint Headers, nint FirstValue);
