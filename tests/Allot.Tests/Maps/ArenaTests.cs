using Allot.Maps;

namespace Allot.Tests.Maps;

public sealed unsafe class ArenaTests : IDisposable
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");
    private readonly ArenaMap _arena;
    private readonly long _emptyBytes;

    public ArenaTests()
    {
        _arena = Create(MapFlags.Mappable);
        _emptyBytes = _arena.ChargedBytes;
    }

    public void Dispose()
    {
        _arena.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void Pages_are_charged_one_by_one_and_begin_with_zeros()
    {
        byte* pages = _arena.AllocatePages(3);
        Assert.Equal(_emptyBytes + (3 * 4096), _group.Kernel.CurrentBytes);
        Assert.Equal(3, _arena.Count);
        new Span<byte>(pages, 3 * 4096).Fill(1);
        _arena.FreePages(pages + 4096, 1);
        Assert.Equal(_emptyBytes + (2 * 4096), _arena.ChargedBytes);
        byte* again = _arena.AllocatePages(1);
        Assert.True(again == pages + 4096);
        Assert.Equal(-1, new Span<byte>(again, 4096).IndexOfAnyExcept((byte)0));
        Assert.Equal(1, *pages);
        _arena.FreePages(pages, 100);
        _arena.FreePages(pages, 100);
        Assert.Equal(_emptyBytes, _arena.ChargedBytes);
    }

    [Fact]
    public void Pages_lie_together_and_where_they_were_asked_for()
    {
        byte* first = _arena.AllocatePages(1, 0);
        Assert.True(_arena.AllocatePages(1, 0) == null);
        Assert.True(_arena.AllocatePages(2, 99) == null);
        Assert.True(_arena.AllocatePages(1, 50) == first + (50 * 4096));
        Assert.True(_arena.AllocatePages(50) == null);
        Assert.True(_arena.AllocatePages(49) != null);
        Assert.True(_arena.AllocatePages(49) != null);
        Assert.True(_arena.AllocatePages(1) == null);
        Assert.Equal(100, _arena.Count);
        Assert.Equal(_arena.MaxBytes, _arena.ChargedBytes);
    }

    [Fact]
    public void A_page_that_the_host_touches_is_there()
    {
        Assert.True(_arena.TryTouch(7, out Span<byte> page));
        Assert.Equal(4096, page.Length);
        page[0] = 5;
        Assert.True(_arena.TryTouch(7, out page));
        Assert.Equal(5, page[0]);
        Assert.Equal(1, _arena.Count);
        Assert.False(_arena.TryTouch(100, out _));
        Assert.False(_arena.TryTouch(-1, out _));
        using ArenaMap strict = Create(MapFlags.Mappable | MapFlags.FaultInArena);
        Assert.False(strict.TryTouch(7, out _));
    }

    [Fact]
    public void Programs_may_use_the_pages_that_there_are()
    {
        byte* page = _arena.AllocatePages(2, 10);
        Assert.True(_arena.Contains((ulong)page, 8192, writes: true));
        Assert.True(_arena.Contains((ulong)page + 4090, 8, writes: true));
        Assert.False(_arena.Contains((ulong)page + 8190, 8, writes: true));
        Assert.False(_arena.Contains((ulong)page - 1, 1, writes: false));
        Assert.False(_arena.Contains((ulong)page + (89 * 4096), 4097, writes: false));
    }

    [Fact]
    public void A_page_that_a_limit_refuses_is_not_there()
    {
        _group.Kernel.MaxBytes = _emptyBytes + 4096;
        Assert.True(_arena.AllocatePages(2) == null);
        Assert.Same(_group, _arena.LastRefusal.Limiter);
        Assert.True(_arena.TryTouch(0, out _));
        Assert.False(_arena.TryTouch(1, out _));
        Assert.Equal(1, _arena.Count);
    }

    [Fact]
    public void An_arena_has_no_elements()
    {
        ulong number = 0;
        var bytes = (byte*)&number;
        Assert.Equal(-22, _arena.Read(bytes, bytes));
        Assert.Equal(-22, _arena.Write(bytes, bytes));
        Assert.Equal(-22, _arena.Remove(bytes));
        Assert.Equal(-22, _arena.NextKey(bytes, bytes));
        Assert.Equal(-22, _arena.Read(null, bytes));
        Assert.Equal(-95, _arena.Write(null, bytes));
        Assert.Equal(-95, _arena.Remove(null));
        Assert.Equal(-95, _arena.NextKey(null, bytes));
    }

    [Fact]
    public void Eight_threads_that_allocate_and_free_have_pages_of_their_own()
    {
        Parallel.For(0, 8, thread =>
        {
            for (int i = 0; i < 500; i++)
            {
                byte* pages = _arena.AllocatePages(1 + (i % 5));
                if (pages == null) continue;
                new Span<byte>(pages, 4096).Fill((byte)(thread + 1));
                Thread.Yield();
                Assert.Equal(-1, new Span<byte>(pages, 4096).IndexOfAnyExcept((byte)(thread + 1)));
                _arena.FreePages(pages, 1 + (i % 5));
            }
        });
        Assert.Equal(0, _arena.Count);
        Assert.Equal(_emptyBytes, _group.Kernel.CurrentBytes);
    }

    private ArenaMap Create(uint flags) =>
        (ArenaMap)GroupMap.Create(_group, new MapDefinition { Type = MapType.Arena, Capacity = 100, Flags = flags });
}
