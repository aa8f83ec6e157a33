namespace Allot.Tests.Issues;

/// <summary>A stream that is asked for more than its group could ever have is refused at once, as <c>Charge</c> is:
/// nothing is reclaimed for it, and nobody else is out of room meanwhile.</summary>
public sealed class HopelessStreamTests
{
    private const long MaxBytes = 64 << 20, CachedBytes = 1 << 20;

    public static TheoryData<string> Ways => ["charge", "set length", "write far out"];

    [Theory, MemberData(nameof(Ways))]
    public void What_can_never_fit_takes_nothing_from_others(string way)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a", new() { MaxBytes = MaxBytes });
        group.Charge(MemoryKind.User, CachedBytes);
        var cache = new Cache();
        using IDisposable registration = group.Register(cache);
        using var stream = new GroupMemoryStream(group);
        Assert.ThrowsAny<Exception>(() => Ask(way, group, stream));
        Assert.Equal(CachedBytes, cache.Bytes);
        Assert.Equal(CachedBytes, group.Memory.PeakBytes);
        group.Uncharge(MemoryKind.User, cache.Bytes);
    }

    private static void Ask(string way, MemoryGroup group, GroupMemoryStream stream)
    {
        switch (way)
        {
            case "charge":
                group.Charge(MemoryKind.User, 1L << 40);
                break;
            case "set length":
                stream.SetLength(1L << 40);
                break;
            default:
                stream.Position = 1L << 40;
                stream.WriteByte(1);
                break;
        }
    }

    private sealed class Cache : IReclaimer
    {
        public long Bytes { get; private set; } = CachedBytes;

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => Bytes;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            long freed = Bytes;
            group.Uncharge(MemoryKind.User, freed);
            Bytes = 0;
            return freed;
        }
    }
}
