namespace Allot.Maps;

/// <summary>The calls on many elements that a type of map has.</summary>
[Flags]
internal enum MapBatchKinds
{
    None = 0,
    Lookup = 1,
    LookupAndDelete = 2,
    Update = 4,
    Delete = 8,
    All = Lookup | LookupAndDelete | Update | Delete,
}
