namespace Allot.Maps;

/// <summary>What an element of an LRU map is beside key and value: its place in a list of use, and in a bucket. The key
/// follows. Nodes are numbered from 0; in <see cref="Chain"/> a number is one more, and 0 is the end.</summary>
internal struct LruNode
{
    public int Previous;
    public int Next;
    public int Chain;
    public uint Hash;
    public ushort Processor;   // whose local list it is in
    public LruPlace Place;
    public bool IsUsed;        // since it was put where it is; without a lock, so a use can get lost
}
