using Allot.Testing;

namespace Allot.Tests.Pages;

/// <summary>Runs of units: handed out, taken back, joined, given back to the system.</summary>
public sealed unsafe class PageArenaTests : IDisposable
{
    private const int SideBytes = 128;

    private readonly FailingPages _pages = new();
    private readonly PageArena _arena;

    public PageArenaTests() => _arena = new PageArena(_pages, SideBytes, 1L << 30);

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5];

    public void Dispose()
    {
        _arena.Dispose();
        Assert.Equal(0, _pages.ReservedBytes);
    }

    [Fact]
    public void Units_are_aligned_and_can_be_written()
    {
        int first = _arena.TryAllocate(3);
        nint address = _arena.AddressOf(first);
        Assert.Equal(0, address & (PageArena.UnitBytes - 1));
        new Span<byte>((void*)address, 3 * PageArena.UnitBytes).Fill(1);
        Assert.Equal(3 * PageArena.UnitBytes, _arena.UsedBytes);
    }

    [Fact]
    public void The_side_record_of_a_unit_is_there_and_zero()
    {
        int first = _arena.TryAllocate(1);
        var side = new Span<byte>((void*)(_arena.SideTable + (first * SideBytes)), SideBytes);
        Assert.True(side.IndexOfAnyExcept((byte)0) < 0);
        side.Fill(1);
    }

    [Fact]
    public void What_comes_back_is_handed_out_again_without_asking_the_system()
    {
        int first = _arena.TryAllocate(2);
        int requests = _pages.Requests;
        for (int i = 0; i < 100; i++)
        {
            _arena.Free(first, 2);
            first = _arena.TryAllocate(2);
        }

        Assert.Equal(requests, _pages.Requests);
    }

    [Fact]
    public void Neighbours_are_joined()
    {
        int a = _arena.TryAllocate(8), b = _arena.TryAllocate(8);
        Assert.Equal(a + 8, b);
        int frontier = _arena.Frontier;
        _arena.Free(a, 8);
        _arena.Free(b, 8);
        Assert.Equal(a, _arena.TryAllocate(16));
        Assert.Equal(frontier, _arena.Frontier);
        _arena.Validate();
    }

    [Fact]
    public void Idle_runs_are_given_back_after_a_whole_tick()
    {
        int first = _arena.TryAllocate(16);
        new Span<byte>((void*)_arena.AddressOf(first), PageArena.UnitBytes).Fill(1);
        _arena.Purge(all: false);
        _arena.Free(first, 16);
        Assert.Equal(0, _arena.Purge(all: false));
        Assert.Equal(16 * PageArena.UnitBytes, _arena.Purge(all: false));
        Assert.Equal(0, _arena.IdleBytes);
        Assert.Equal(first, _arena.TryAllocate(16));
        Assert.Equal(0, *(byte*)_arena.AddressOf(first));
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_piece_that_comes_and_goes_does_not_hold_back_what_is_idle_beside_it(bool before)
    {
        int first = _arena.TryAllocate(303), piece = before ? first : first + 300;
        _arena.Free(before ? first + 3 : first, 300);
        _arena.Purge(all: false);
        _arena.Free(piece, 3);
        Assert.Equal(303 * PageArena.UnitBytes, _arena.Purge(all: false));

        first = _arena.TryAllocate(300);
        _arena.Free(first, 300);
        long givenBack = 0;
        for (int tick = 0; tick < 2; tick++)
        {
            int part = _arena.TryAllocate(3);   // of the run: what is left of it is as old as it was
            _arena.Free(part, 3);
            givenBack += _arena.Purge(all: false);
        }

        Assert.InRange(givenBack, 300 * PageArena.UnitBytes, 303 * PageArena.UnitBytes);
    }

    [Fact]
    public void A_long_run_is_not_given_back_before_its_time_for_a_short_one_beside_it()
    {
        int first = _arena.TryAllocate(303);
        _arena.Free(first, 3);
        _arena.Purge(all: false);
        _arena.Free(first + 3, 300);
        Assert.Equal(0, _arena.Purge(all: false));
        Assert.Equal(303 * PageArena.UnitBytes, _arena.Purge(all: false));
    }

    [Theory]
    [InlineData(1, 300), InlineData(300, 1), InlineData(20, 30)]
    public void Much_is_given_back_in_parts_and_others_need_not_wait(int runs, int units)
    {
        var pages = new WatchedPages();
        using var arena = new PageArena(pages, SideBytes, 1L << 30);
        int[] first = [.. Enumerable.Range(0, runs).Select(_ => arena.TryAllocate(units))];
        int between = arena.TryAllocate(1), parts = 0;
        foreach (int run in first) arena.Free(run, units);
        pages.Decommitting = () =>
        {
            parts++;
            var other = new Thread(() => arena.Free(arena.TryAllocate(7), 7)) { IsBackground = true };
            other.Start();
            Assert.True(other.Join(TimeSpan.FromSeconds(30)), "It waits.");
        };
        Assert.InRange(arena.Purge(all: true) >> PageArena.UnitShift, (runs * units) - 14, (runs * units) + 16);
        Assert.InRange(parts, 1, runs + 3);
        pages.Decommitting = null;
        arena.Free(between, 1);
        arena.Purge(all: true);
        Assert.Equal((0, 0), (arena.IdleBytes, arena.UsedBytes));
        arena.Validate();
    }

    [Fact]
    public void A_run_that_cannot_be_had_leaves_the_arena_as_it_was()
    {
        Assert.Equal(-1, _arena.TryAllocate(_arena.UnitsMax + 1));
        for (int n = 1; n < 8; n++)
        {
            _pages.Restart();
            _pages.FailsAt = n;
            _pages.FailsFromThereOn = true;
            int first = _arena.TryAllocate(20);
            if (first >= 0) _arena.Free(first, 20);
            _arena.Purge(all: true);
            Assert.Equal(0, _arena.UsedBytes);
            _arena.Validate();
        }
    }

    [Fact]
    public void Where_a_megabyte_cannot_be_had_one_unit_still_can()
    {
        _ = _arena.TryAllocate(16);
        _pages.Restart();
        _pages.FailsAt = 1;
        Assert.True(_arena.TryAllocate(1) >= 0);
        Assert.Equal(17 * PageArena.UnitBytes, _arena.UsedBytes);
    }

    [Fact]
    public void Less_address_space_is_better_than_none()
    {
        _pages.Restart();
        _pages.FailsAt = 1;
        using var arena = new PageArena(_pages, SideBytes, 1L << 30);
        Assert.Equal(1 << 29 >> PageArena.UnitShift, arena.UnitsMax);
        _pages.FailsFromThereOn = true;
        Assert.Throws<InsufficientMemoryException>(() => new PageArena(_pages, SideBytes));
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Random_runs_never_overlap(ulong seed)
    {
        var random = new Prng(seed);
        List<(int First, int Units)> held = [];
        HashSet<int> units = [];
        for (int step = 0; step < 2000; step++)
        {
            switch (random.Below(8))
            {
                case 0:
                    _arena.Purge(all: random.OneIn(2));
                    break;
                case < 5 when held.Count < 100:
                    int length = random.OneIn(10) ? 1 + random.Below(200) : 1 + random.Below(8);
                    int first = _arena.TryAllocate(length);
                    Assert.True(first >= 0);
                    for (int i = 0; i < length; i++) Assert.True(units.Add(first + i));
                    *(int*)_arena.AddressOf(first) = first;
                    held.Add((first, length));
                    break;
                default:
                    if (held.Count == 0) break;
                    int index = random.Below(held.Count);
                    (int at, int count) = held[index];
                    held.RemoveAt(index);
                    Assert.Equal(at, *(int*)_arena.AddressOf(at));
                    for (int i = 0; i < count; i++) units.Remove(at + i);
                    _arena.Free(at, count);
                    break;
            }

            if (step % 50 == 0) _arena.Validate();
            Assert.Equal((long)units.Count * PageArena.UnitBytes, _arena.UsedBytes);
        }

        foreach ((int first, int count) in held) _arena.Free(first, count);
        _arena.Validate();
        Assert.Equal(0, _arena.UsedBytes);
    }

    private sealed class WatchedPages : IPageSource
    {
        public Action? Decommitting { get; set; }

        public nint Reserve(nuint bytes) => SystemPages.Instance.Reserve(bytes);

        public bool TryCommit(nint address, nuint bytes) => SystemPages.Instance.TryCommit(address, bytes);

        public void Decommit(nint address, nuint bytes)
        {
            Decommitting?.Invoke();
            SystemPages.Instance.Decommit(address, bytes);
        }

        public void Release(nint address, nuint bytes) => SystemPages.Instance.Release(address, bytes);
    }
}
