namespace Allot.Tests.Slabs;

/// <summary>The checks of blocks find who writes where it should not, and say where the block came from.</summary>
public sealed unsafe class BlockChecksTests : IDisposable
{
    private readonly SlabFixture _slabs = new(isChecked: true);

    public static TheoryData<int> Sizes => [0, 1, 16, 100, 1024, 5000, 70_000, 262_144, 1_000_000];

    public void Dispose() => _slabs.Dispose();

    [Theory, MemberData(nameof(Sizes))]
    public void All_that_was_asked_for_may_be_written_to(int bytes)
    {
        nint block = _slabs.Allocate(_slabs.A, bytes);
        Assert.Equal(bytes, _slabs.Slabs.BytesOf((byte*)block));
        new Span<byte>((void*)block, bytes).Fill(7);
        _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Theory, MemberData(nameof(Sizes))]
    public void A_write_behind_the_end_is_told_with_the_place_of_the_allocation(int bytes)
    {
        nint block = _slabs.Allocate(_slabs.A, bytes);
        ((byte*)block)[bytes] = 1;
        string message = Assert.Throws<CorruptionException>(() => _slabs.Free(block)).Message;
        Assert.Contains("behind its end", message);
        Assert.Contains("'/a'", message);
        Assert.Contains(nameof(A_write_behind_the_end_is_told_with_the_place_of_the_allocation), message);
    }

    [Theory]
    [InlineData(0), InlineData(8), InlineData(63)]
    public void A_write_after_the_free_is_told_with_both_places(int at)
    {
        nint block = Allocate();
        Free(block);
        ((byte*)block)[at] ^= 1;
        string message = Assert.Throws<CorruptionException>(() => _slabs.Slabs.Trim(all: true)).Message;
        Assert.Contains("after it was freed", message);
        Assert.Contains(nameof(Allocate), message);
        Assert.Contains(nameof(Free), message);
    }

    [Fact]
    public void A_second_free_is_told_with_both_places()
    {
        nint block = Allocate(), large = _slabs.Allocate(_slabs.A, 1 << 20);
        Free(block);
        Free(large);
        string message = Assert.Throws<CorruptionException>(() => _slabs.Free(block)).Message;
        Assert.Contains("second time", message);
        Assert.Contains("Allocated here", message);
        Assert.Contains("Freed here", message);
        Assert.Contains("Freed here", Assert.Throws<CorruptionException>(() => _slabs.Free(large)).Message);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void What_is_freed_is_not_handed_out_at_once_and_shows_a_pattern()
    {
        nint block = Allocate();
        Free(block);
        Assert.Equal(0xDD, ((byte*)block)[20]);
        nint next = Allocate();
        Assert.NotEqual(block, next);
        Assert.Equal(0xCD, ((byte*)next)[20]);
        _slabs.Free(next);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_large_block_shows_a_pattern_and_is_not_handed_out_at_once()
    {
        nint block = _slabs.Allocate(_slabs.A, 300_000);
        Assert.Equal(0xCD, ((byte*)block)[299_999]);
        Free(block);
        Assert.Equal(0, _slabs.A.Memory.CurrentBytes);
        Assert.Equal(0xDD, ((byte*)block)[0]);
        Assert.Equal(0xDD, ((byte*)block)[299_999]);
        nint next = _slabs.Allocate(_slabs.A, 300_000);
        Assert.NotEqual(block, next);
        _slabs.Free(next);
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(0), InlineData(150_000), InlineData(299_999)]
    public void A_write_to_a_large_block_after_the_free_is_told_with_both_places(int at)
    {
        nint block = _slabs.Allocate(_slabs.A, 300_000);
        Free(block);
        ((byte*)block)[at] ^= 1;
        string message = Assert.Throws<CorruptionException>(() => _slabs.Slabs.Trim(all: true)).Message;
        Assert.Contains("after it was freed", message);
        Assert.Contains(nameof(A_write_to_a_large_block_after_the_free_is_told_with_both_places), message);
        Assert.Contains("Freed here", message);
    }

    [Fact]
    public void Large_blocks_are_kept_back_up_to_a_bound()
    {
        for (int i = 0; i < 1000; i++) _slabs.Free(_slabs.Allocate(_slabs.A, 300_000));
        Assert.InRange(_slabs.Slabs.Arena.UsedBytes, 60 << 20, 68 << 20);
        _slabs.Free(_slabs.Allocate(_slabs.A, 100 << 20));
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Only_so_much_is_remembered_of_blocks_that_are_not_there_any_more()
    {
        nint[] blocks = [.. Enumerable.Range(0, 3 * BlockChecker.RememberedBlocks).Select(_ => Allocate())];
        foreach (nint block in blocks) Free(block);
        _slabs.Slabs.Trim(all: true);
        Assert.Equal(BlockChecker.RememberedBlocks, _slabs.Slabs.Checker!.Count);
        nint again = Allocate();
        Free(again);
        string message = Assert.Throws<CorruptionException>(() => _slabs.Free(again)).Message;
        Assert.Contains("Freed here", message);
    }

    [Fact]
    public void What_is_freed_in_one_step_is_looked_at_block_by_block()
    {
        ObjectCache<Node> cache = new(_slabs.Slabs, "own", new() { HasPrivateSlabs = true }, null);
        Node* whole = cache.Allocate(_slabs.B), broken = cache.Allocate(_slabs.A);
        for (int i = 0; i < 1000; i++) _ = cache.Allocate(_slabs.B);
        Assert.Equal(1001 * cache.ObjectBytes, cache.FreeAll(_slabs.B));
        Assert.Equal(0, _slabs.B.Memory.CurrentBytes);
        Assert.Equal(0, cache.ReadStatistics(_slabs.B).ActiveObjects);
        Assert.Contains("Freed here", Assert.Throws<CorruptionException>(() => cache.Free(whole)).Message);
        ((byte*)broken)[sizeof(Node)] ^= 1;
        Assert.Contains("behind its end", Assert.Throws<CorruptionException>(() => cache.FreeAll(_slabs.A)).Message);
    }

    [Theory]
    [InlineData(64), InlineData(300_000)]
    public void Of_two_threads_that_free_a_block_at_the_same_time_one_is_told(int bytes)
    {
        const int Rounds = 300;
        int told = 0, freed = 0, at = 0;
        nint[] blocks = [.. Enumerable.Range(0, Rounds).Select(_ => _slabs.Allocate(_slabs.A, bytes))];
        Thread[] threads = [new(FreeEach), new(FreeEach)];
        foreach (Thread one in threads) one.Start();
        foreach (Thread one in threads) one.Join();
        Assert.Equal((Rounds, Rounds), (told, freed));
        _slabs.AssertNothingLeft();

        void FreeEach()
        {
            for (int round = 0; round < Rounds; round++)
            {
                Interlocked.Increment(ref at);
                SpinWait.SpinUntil(() => Volatile.Read(ref at) >= 2 * (round + 1));
                try
                {
                    _slabs.Free(blocks[round]);
                    Interlocked.Increment(ref freed);
                }
                catch (CorruptionException)
                {
                    Interlocked.Increment(ref told);
                }
            }
        }
    }

    [Fact]
    public void A_great_many_blocks_go_round()
    {
        List<nint> live = [];
        for (int i = 0; i < 3000; i++)
        {
            live.Add(_slabs.Allocate(i % 2 == 0 ? _slabs.A : _slabs.B, i % 300));
            if (i % 3 != 0) _slabs.Free(live[i / 2]);
            if (i % 3 != 0) live[i / 2] = _slabs.Allocate(_slabs.B, 10);
        }

        foreach (nint block in live) _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Objects_have_a_guard_and_keep_what_their_constructor_made()
    {
        var cache = new ObjectCache<long>(_slabs.Slabs, "numbers", null, static (ref long number) => number = 7);
        long* first = cache.Allocate(_slabs.A), second = cache.Allocate(_slabs.A);
        Assert.Equal(7, *first);
        cache.Free(first);
        Assert.Equal(7, *first);
        ((byte*)second)[cache.ObjectBytes - 16 - BlockChecker.GuardBytes + 8] ^= 1;
        cache.Shrink();
        Assert.Equal(1, cache.ReadStatistics().ActiveObjects);
        Assert.Contains("behind its end", Assert.Throws<CorruptionException>(() => cache.Free(second)).Message);
    }

    private struct Node
    {
        public fixed byte Name[48];
    }

    private nint Allocate() => _slabs.Allocate(_slabs.A, 64);

    private void Free(nint block) => _slabs.Free(block);
}
