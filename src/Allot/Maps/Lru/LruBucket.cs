namespace Allot.Maps;

/// <summary>The first node of those whose hash ends alike, plus 1; and how often the bucket was changed, times
/// two.</summary>
internal struct LruBucket
{
    public int First;
    public uint Version;
}
