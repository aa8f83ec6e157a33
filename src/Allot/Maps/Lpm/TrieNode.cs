namespace Allot.Maps;

/// <summary>A prefix in a trie; its address and its value follow. A node in between has no value of its own, and always
/// two children.</summary>
internal unsafe struct TrieNode
{
    public TrieNode* Zero;   // whose next bit is 0
    public TrieNode* One;
    public int Bits;
    public bool IsBetween;

    public static byte* AddressOf(TrieNode* node) => (byte*)(node + 1);

    public static TrieNode** ChildOf(TrieNode* node, int bit) => bit == 0 ? &node->Zero : &node->One;
}
