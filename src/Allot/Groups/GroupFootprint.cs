// What a group itself weighs: the objects that stand for it, and its entry in the table of its parent.
//
// They are managed objects, whose size the runtime does not tell, so these are measured bytes of a 64-bit process (a
// test compares them with the heap). An estimate, then: it is fixed when the group is created, so that what was charged
// is what is given back. What a group grows later, with its first kernel charge, pin or event, is not in it, because a
// charge that is given back must leave every counter as it was (I4).

namespace Allot;

internal static class GroupFootprint
{
    private const int IdleBytes = 264;
    private const int KernelCounterBytes = 112;
    private const int PinCountersBytes = 400;
    private const int PolicyBytes = 104;
    private const int LifeBytes = 48;
    private const int EmptyStringBytes = 22;

    /// <summary>The bytes of a new group.</summary>
    public static int BytesOf(string name, MemoryGroupOptions options)
    {
        int nameBytes = (EmptyStringBytes + (name.Length * sizeof(char)) + 7) & ~7;   // objects are multiples of 8
        return IdleBytes
            + nameBytes
            + (options.KernelMaxBytes != MemoryGroup.Unlimited ? KernelCounterBytes : 0)
            + (options.PinsMaxBytes != MemoryGroup.Unlimited ? PinCountersBytes : 0)
            + (options.HasPolicy ? PolicyBytes : 0)
            + (options.HasLife ? LifeBytes : 0);
    }
}
