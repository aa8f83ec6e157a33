using System.Buffers;

namespace Allot.Tests.Slabs;

/// <summary>Every way to allocate does what the flags of the call say.</summary>
public sealed unsafe class AllocationFlagsTests
{
    private const AllocationFlags Zeros = AllocationFlags.KernelAccount | AllocationFlags.Zero;

    private readonly MemoryGroup _group = new MemoryController(new MemoryGroupOptions { MaxBytes = 1 << 20 }).Root;

    public static TheoryData<string> Ways =>
        ["group", "handle", "ambient", "allocator", "cache", "pool", "array", "writer", "stream", "pool of options",
            "array of options"];

    [Theory, MemberData(nameof(Ways))]
    public void Zeros_where_there_was_something(string way)
    {
        using ActiveGroupScope scope = _group.Enter();
        for (int i = 0; i < 20; i++)
        {
            byte* dirty = GroupMemory.Allocate(_group, 200);
            new Span<byte>(dirty, 200).Fill(0xAB);
            GroupMemory.Free(dirty);
            Use(way, Zeros, static bytes => Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)0)));
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Ways))]
    public void What_must_succeed_passes_the_limit_and_what_cannot_wait_does_not(string way)
    {
        using ActiveGroupScope scope = _group.Enter();
        using MemoryCharge all = _group.Hold(MemoryKind.User, 1 << 20);
        Assert.Throws<MemoryLimitExceededException>(() => Use(way, AllocationFlags.NoWait | AllocationFlags.Account));
        Use(way, AllocationFlags.KernelAccount | AllocationFlags.MustSucceed,
            _ => Assert.InRange(_group.Memory.CurrentBytes, (1 << 20) + 200, 2 << 20));
        Assert.Equal(1 << 20, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Ways))]
    public void A_mistake_is_one_before_anything_is_allocated(string way)
    {
        using ActiveGroupScope scope = _group.Enter();
        Assert.Throws<ArgumentException>(() => Use(way, AllocationFlags.MustSucceed | AllocationFlags.Account));
        Assert.Throws<ArgumentOutOfRangeException>(() => Use(way, (AllocationFlags)(1 << 30) | AllocationFlags.Account));
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void Without_the_flag_to_account_nobody_pays()
    {
        using ActiveGroupScope scope = _group.Enter();
        byte* block = GroupMemory.Allocate(100, AllocationFlags.Kernel | AllocationFlags.Zero);
        Assert.Equal(0, _group.Memory.CurrentBytes);
        Assert.Equal(0, block[99]);
        GroupMemory.Free(block);
    }

    [Fact]
    public void Objects_of_a_constructor_are_not_zeroed()
    {
        var cache = new ObjectCache<Entry>("made", constructor: static (ref Entry made) => made.Bytes[0] = 7);
        Assert.Throws<ArgumentException>(() => (nint)cache.Allocate(_group, Zeros));
        Assert.Equal(0, _group.Memory.CurrentBytes);
        cache.Remove();
    }

    private delegate void Look(Span<byte> bytes);

    private void Use(string way, AllocationFlags flags, Look? look = null)
    {
        switch (way)
        {
            case "group":
                UseBlock(GroupMemory.Allocate(_group, 200, flags), look);
                break;
            case "handle":
                UseBlock(GroupMemory.Allocate(_group.Handle(), 200, flags), look);
                break;
            case "ambient":
                UseBlock(GroupMemory.Allocate(200, flags), look);
                break;
            case "allocator":
                UseBlock(_group.Allocator().Allocate(200, flags), look);
                break;
            case "cache":
                var cache = new ObjectCache<Entry>("flags", new() { Kind = MemoryKind.User });
                Entry* entry = cache.Allocate(_group, flags);
                look?.Invoke(new Span<byte>(entry, sizeof(Entry)));
                cache.Free(entry);
                cache.Remove();
                break;
            case "pool":
                using (IMemoryOwner<byte> owner = GroupMemoryPool.Shared.Rent(200, flags)) look?.Invoke(owner.Memory.Span);
                break;
            case "writer":
                using (var writer = new GroupBufferWriter(_group, new GroupBufferOptions { Flags = flags }))
                {
                    Span<byte> room = writer.GetSpan(200);
                    look?.Invoke(room);
                }

                break;
            case "stream":
                using (var stream = new GroupMemoryStream(_group, new GroupBufferOptions { Flags = flags }))
                {
                    stream.SetLength(200);
                    byte[] read = new byte[200];
                    stream.ReadExactly(read);
                    look?.Invoke(read);
                }

                break;
            case "pool of options":
                using (var pool = new GroupMemoryPool(_group, new GroupBufferOptions { Flags = flags }))
                using (IMemoryOwner<byte> owner = pool.Rent(200)) look?.Invoke(owner.Memory.Span);
                break;
            case "array of options":
                using (var array = new GroupArray<byte>(_group, 200, new GroupBufferOptions { Flags = flags }))
                {
                    look?.Invoke(array.AsSpan());
                }

                break;
            default:
                using (var array = new GroupArray<byte>(_group, 200, MemoryKind.User, flags)) look?.Invoke(array.AsSpan());
                break;
        }
    }

    private static void UseBlock(byte* block, Look? look)
    {
        look?.Invoke(new Span<byte>(block, 200));
        GroupMemory.Free(block);
    }

    private struct Entry
    {
        public fixed byte Bytes[200];
    }
}
