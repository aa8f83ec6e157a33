namespace Allot.Maps;

/// <summary>The lists that a node of an LRU map can be in.</summary>
internal enum LruPlace : byte
{
    Free,
    Active,
    Inactive,
    LocalFree,
    LocalPending,
}
