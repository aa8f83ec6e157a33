namespace Allot.Tests.Slabs;

/// <summary>What lies idle goes back in time.</summary>
public sealed unsafe class SlabIdleTests : IDisposable
{
    private readonly SlabFixture _slabs = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void What_is_freed_after_the_timer_has_stopped_is_given_back()
    {
        _slabs.Slabs.StartTrimming(_time);
        List<nint> blocks = [];
        for (int i = 0; i < 20_000; i++) blocks.Add(_slabs.Allocate(_slabs.A, 128));
        Fire(6);
        Assert.False(_slabs.Slabs.IsTrimming);
        foreach (nint block in blocks) _slabs.Free(block);
        Assert.True(_slabs.Slabs.IsTrimming);
        Fire(6);
        Assert.Equal(0, _slabs.BlocksCarved());
        Assert.Equal(0, _slabs.Slabs.Arena.IdleBytes);
        Assert.False(_slabs.Slabs.IsTrimming);
    }

    [Fact]
    public void What_is_released_in_one_step_after_the_timer_has_stopped_is_given_back()
    {
        ObjectCache<Node> cache = MakePrivate();
        _slabs.Slabs.StartTrimming(_time);
        for (int i = 0; i < 3000; i++) _ = cache.Allocate(_slabs.A);
        Fire(6);
        Assert.False(_slabs.Slabs.IsTrimming);
        Assert.Equal(3000 * cache.ObjectBytes, cache.FreeAll(_slabs.A));
        Assert.True(_slabs.Slabs.IsTrimming);
        Fire(6);
        Assert.Equal(0, _slabs.Slabs.Arena.IdleBytes);
    }

    private ObjectCache<Node> MakePrivate() =>
        new(_slabs.Slabs, "own", new ObjectCacheOptions { HasPrivateSlabs = true }, null);

    private void Fire(int times)
    {
        for (int i = 0; i < times; i++) _time.Fire();
    }

    private struct Node
    {
        public fixed long Words[12];
    }
}
