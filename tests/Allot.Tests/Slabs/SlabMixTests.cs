using Allot.Testing;

namespace Allot.Tests.Slabs;

/// <summary>All that can be done with blocks and objects, in any order: a tree of groups with limits that come and go,
/// user and kernel memory, regions in which nobody pays, caches with shared and private slabs, with constructors that may
/// throw, made and removed in between, and groups released in one step. The model is a dictionary of what is live
/// and sums of its bytes; a charge succeeds exactly where it fits.</summary>
/// <remarks>Threads take turns by the seed, so a seed is a replay. Any of them frees what any other has allocated.
/// </remarks>
public sealed unsafe class SlabMixTests
{
    private const int Steps = 4000, TenantsMost = 10, ThreadsMost = 4, CachesMost = 6, LiveMost = 800;

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    [Theory, MemberData(nameof(Seeds))]
    public void After_any_mix_the_tree_reads_exactly_what_is_live_and_then_zero(ulong seed)
    {
        using var mix = new Mix(seed);
        for (int step = 0; step < Steps; step++)
        {
            mix.Step();
            if (step % 25 == 0) mix.Root.AssertReadsTheSame();
            if (step % 500 == 0) mix.AssertEverythingAddsUp();
        }

        mix.AssertEverythingAddsUp();
        mix.FreeTheRest();
        Assert.True(mix.HasSeenAll, "The mix has come by every case.");
    }

    private struct Small
    {
        public fixed long Words[3];
    }

    private struct Medium
    {
        public fixed long Words[25];
    }

    private struct Large
    {
        public fixed long Words[700];
    }

    private sealed class Mix : IDisposable
    {
        private readonly SlabFixture _slabs = new();
        private readonly Prng _random;
        private readonly List<TurnThread> _threads = [new TurnThread()];
        private readonly List<MixTenant> _tenants = [], _removed = [];
        private readonly List<MixCache> _caches = [];
        private readonly Dictionary<nint, MixBlock> _live = [];
        private readonly List<nint> _addresses = [];
        private int _names, _refused, _threw, _releasedAtOnce, _removedCaches, _freedOfRemoved;

        public Mix(ulong seed)
        {
            _random = new Prng(seed);
            _slabs.A.Remove();
            _slabs.B.Remove();
            Root = new MixTenant(_slabs.Root, null, new MemoryGroupOptions());
        }

        public MixTenant Root { get; }

        public bool HasSeenAll =>
            _refused > 0 && _threw > 0 && _releasedAtOnce > 0 && _removedCaches > 0 && _freedOfRemoved > 0;

        public void Step()
        {
            TurnThread thread = _random.Pick(_threads);
            switch (_random.Below(60))
            {
                case 0 when _tenants.Count < TenantsMost:
                    AddTenant();
                    break;
                case 1:
                    RemoveTenant();
                    break;
                case 2 when _threads.Count < ThreadsMost:
                    _threads.Add(new TurnThread());
                    break;
                case 3 when _threads.Count > 1:
                    _threads.Remove(thread);
                    thread.Dispose();
                    break;
                case 4:
                    bool all = _random.OneIn(2);
                    thread.Run(() => _slabs.Slabs.Trim(all));
                    break;
                case 5 or 6 when _caches.Count < CachesMost:
                    _caches.Add(MakeCache());
                    break;
                case 7 when _caches.Count > 0:
                    thread.Run(RemoveCache);
                    break;
                case 8 when _caches.Count > 0:
                    MixCache cache = _random.Pick(_caches);
                    thread.Run(() => ChangeCache(cache));
                    break;
                case 9:
                    thread.Run(ReleaseAtOnce);
                    break;
                case < 35 when _tenants.Count > 0 && _live.Count < LiveMost:
                    thread.Run(AllocateSome);
                    break;
                default:
                    thread.Run(FreeSome);
                    break;
            }
        }

        public void AssertEverythingAddsUp()
        {
            Root.AssertReadsTheSame();
            Assert.Equal(
                _live.Values.Count(static one => one.Cache is not null || one.Bytes <= SizeClasses.LargestBytes),
                _slabs.Slabs.Validate());
            foreach (MixCache cache in _caches)
            {
                Assert.Equal(_live.Values.Count(one => one.Cache == cache), cache.Active(null));
                foreach (MixTenant tenant in _tenants)
                {
                    Assert.Equal(
                        _live.Values.Count(one => one.Cache == cache && one.Tenant == tenant && one.ChargedBytes > 0),
                        cache.Active(tenant.Group));
                }
            }
        }

        public void FreeTheRest()
        {
            while (_addresses.Count > 0) _random.Pick(_threads).Run(FreeSome);
            AssertZero(_slabs.Root);
            foreach (MixCache cache in _caches) _random.Pick(_threads).Run(cache.Remove);
            foreach (TurnThread thread in _threads) thread.Dispose();
            _threads.Clear();
            _slabs.AssertNothingLeft();
            Assert.Equal(0, _slabs.Root.ReadEvents().AccountingErrors);

            static void AssertZero(MemoryGroup group)
            {
                Assert.Equal(0, group.Memory.CurrentBytes);
                Assert.Equal(0, group.Kernel.CurrentBytes);
                foreach (MemoryGroup child in group.Children) AssertZero(child);
            }
        }

        public void Dispose()
        {
            foreach (TurnThread thread in _threads) thread.Dispose();
            _slabs.Dispose();
        }

        private void AddTenant()
        {
            MixTenant parent = _tenants.Count > 0 && _random.OneIn(2) ? _random.Pick(_tenants) : Root;
            var limits = new MemoryGroupOptions();
            if (_random.OneIn(3)) limits.MaxBytes = _random.Below(1_000_000);
            if (_random.OneIn(3)) limits.KernelMaxBytes = _random.Below(300_000);
            _tenants.Add(parent.AddChild($"t{_names++}", limits));
        }

        private void RemoveTenant()
        {
            List<MixTenant> leaves = _tenants.FindAll(static one => one.Children.Count == 0);
            if (leaves.Count == 0) return;
            MixTenant ended = _random.Pick(leaves);
            _tenants.Remove(ended);
            ended.Remove();
            if (_removed.Count == TenantsMost) _removed.RemoveAt(0);
            _removed.Add(ended);
        }

        private MixCache MakeCache()
        {
            var options = new ObjectCacheOptions
            {
                Kind = _random.OneIn(2) ? MemoryKind.Kernel : MemoryKind.User,
                HasPrivateSlabs = _random.OneIn(2),
                AlignmentBytes = 1 << _random.Below(8),
            };
            string name = $"c{_names++}";
            bool constructs = _random.OneIn(2);
            return _random.Below(3) switch
            {
                0 => new MixCache<Small>(_slabs.Slabs, name, options, constructs),
                1 => new MixCache<Medium>(_slabs.Slabs, name, options, constructs),
                _ => new MixCache<Large>(_slabs.Slabs, name, options, constructs),
            };
        }

        private void RemoveCache()
        {
            MixCache cache = _random.Pick(_caches);
            List<MixBlock> objects = [.. _live.Values.Where(one => one.Cache == cache)];
            if (objects.Count > 0)
            {
                Assert.Throws<InvalidOperationException>(cache.Remove);
                if (!_random.OneIn(2)) return;
                foreach (MixBlock one in objects) Free(one.Address);
            }

            cache.Remove();
            Assert.Throws<ObjectDisposedException>(() => cache.TryAllocate(_slabs.Root));
            _caches.Remove(cache);
            _removedCaches++;
        }

        private void ChangeCache(MixCache cache)
        {
            int? batches = _random.OneIn(2) ? null : _random.Below(5);
            if (_random.OneIn(2)) cache.Shrink();
            else cache.Tune(new() { EmptySlabsKept = _random.Below(3), BatchesKept = batches });
        }

        // Of a group that is there, or of one that was removed: its objects are the parent's by now.
        private void ReleaseAtOnce()
        {
            List<MixCache> own = _caches.FindAll(static one => one.IsPrivate);
            MixTenant[] tenants = [.. _tenants, .. _removed];
            if (own.Count == 0 || tenants.Length == 0) return;
            MixCache cache = _random.Pick(own);
            MixTenant tenant = _random.Pick(tenants);
            List<MixBlock> objects = [.. _live.Values.Where(one => one.Cache == cache && one.Tenant == tenant)];
            foreach (MixBlock one in objects) Forget(one);
            Assert.Equal(objects.Count * cache.ChargedBytes, cache.FreeAll(tenant.Group));
            if (objects.Count > 0) _releasedAtOnce++;
        }

        private void AllocateSome()
        {
            MixTenant tenant = _removed.Count > 0 && _random.OneIn(20) ? _random.Pick(_removed) : _random.Pick(_tenants);
            MixCache? cache = _caches.Count > 0 && _random.OneIn(2) ? _random.Pick(_caches) : null;
            int bytes = _random.OneIn(40) ? _random.Below(600_000) : _random.Below(1 << (4 + _random.Below(10)));
            MemoryKind kind = cache?.Kind ?? (_random.OneIn(2) ? MemoryKind.Kernel : MemoryKind.User);
            bool isExempt = !tenant.IsRemoved && _random.OneIn(15);
            if (cache is not null) cache.ConstructorThrows = _random.OneIn(10);
            using ThreadScope scope = isExempt ? AllocationScope.BlockAccounting() : AllocationScope.AllowAllocations();
            for (int many = _random.OneIn(20) ? 100 : 1 + _random.Below(4); many > 0; many--)
            {
                Allocate(tenant, cache, kind, bytes, isExempt);
            }

            if (cache is not null) cache.ConstructorThrows = false;
        }

        private void Allocate(MixTenant tenant, MixCache? cache, MemoryKind kind, int bytes, bool isExempt)
        {
            long charged = cache?.ChargedBytes ?? BlockBytes(bytes);
            bool fits = isExempt || tenant.Fits(kind, charged);
            nint address;
            try
            {
                address = cache is not null
                    ? cache.TryAllocate(tenant.Group)
                    : (nint)_slabs.For(tenant.Group, kind).TryAllocate((nuint)bytes, out _);
            }
            catch (NotSupportedException)
            {
                Assert.True(fits, "Who is refused is not called to construct.");
                _threw++;
                return;
            }

            Assert.Equal(fits, address != 0);
            if (!fits) _refused++;
            if (address == 0) return;
            var made = new MixBlock(tenant, cache, kind)
            {
                Address = address,
                Bytes = cache?.ItemBytes ?? charged,
                ChargedBytes = isExempt ? 0 : charged,
                Pattern = (byte)_names++,
            };
            made.Fill();
            tenant.Add(kind, made.ChargedBytes);
            _live.Add(address, made);
            _addresses.Add(address);
        }

        private void FreeSome()
        {
            for (int many = _random.OneIn(20) ? 100 : 1 + _random.Below(4); many > 0 && _addresses.Count > 0; many--)
            {
                Free(_random.Pick(_addresses));
            }
        }

        private void Free(nint address)
        {
            MixBlock block = _live[address];
            if (block.Tenant.IsRemoved) _freedOfRemoved++;
            Forget(block);
            if (block.Cache is { } cache) cache.Free(address);
            else _slabs.Free(address);
        }

        private void Forget(MixBlock block)
        {
            block.AssertUntouched();
            block.Tenant.Heir.Add(block.Kind, -block.ChargedBytes);
            _live.Remove(block.Address);
            int index = _addresses.IndexOf(block.Address);
            _addresses[index] = _addresses[^1];
            _addresses.RemoveAt(_addresses.Count - 1);
        }

        private static long BlockBytes(int bytes)
        {
            const int UnitBytes = PageArena.UnitBytes;
            return bytes <= SizeClasses.LargestBytes
                ? SizeClasses.BytesOf(SizeClasses.IndexOf((nuint)bytes))
                : (bytes + UnitBytes - 1) / UnitBytes * UnitBytes;
        }
    }
}
