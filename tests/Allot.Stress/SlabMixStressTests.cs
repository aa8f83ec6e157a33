using System.Collections.Concurrent;
using Allot.Testing;

namespace Allot.Stress;

/// <summary>Real threads do all that can be done with slabs: user and kernel memory, caches with shared and with private
/// slabs, with a constructor, made and removed in between, and groups that come and go, some of them released in one
/// step. Wherever the threads have come to rest, the tree reads exactly what is live; at the end it reads zero.</summary>
public sealed unsafe class SlabMixStressTests(ITestOutputHelper output)
{
    private const int Threads = 4, Generations = 4, StepsOnce = 10_000, Groups = 6;
    private const long Magic = 0x600D_C0DE;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void The_tree_reads_exactly_what_is_live_and_then_zero(ulong seed)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        using var all = new Everything();
        for (int generation = 0; generation < Generations; generation++)
        {
            Thread[] threads = new Thread[Threads];
            for (int t = 0; t < Threads; t++)
            {
                var random = new Prng((seed * 1000) + (ulong)((generation * Threads) + t));
                threads[t] = new Thread(() => all.Work(random));
                threads[t].Start();
            }

            foreach (Thread thread in threads) thread.Join();
            Assert.Empty(all.Failures);
            all.AssertReadsWhatIsLive();
        }

        all.FreeTheRest();
    }

    private struct Node
    {
        public long Made;
        public fixed long Words[11];
    }

    // A live block, whoever has it. Kernel memory is a part of all memory.
    private readonly record struct Item(nint Address, ObjectCache<Node>? Cache, long Bytes, long KernelBytes);

    private sealed class Everything : IDisposable
    {
        private readonly SlabAllocator _slabs = new(SystemPages.Instance, 1L << 32)
        {
            OnCorruption = static what => throw new InvalidOperationException(what),
        };

        private readonly MemoryGroup _root = new MemoryController().Root;
        private readonly MemoryGroup[] _groups = new MemoryGroup[Groups];
        private readonly ObjectCache<Node>[] _caches;
        private readonly ConcurrentQueue<Item> _passed = new();
        private int _names;

        public Everything()
        {
            for (int i = 0; i < Groups; i++) _groups[i] = NewGroup();
            _caches =
            [
                MakeCache("shared", isPrivate: false, constructs: false),
                MakeCache("made", isPrivate: false, constructs: true),
                MakeCache("own", isPrivate: true, constructs: false),
                MakeCache("own made", isPrivate: true, constructs: true),
            ];
        }

        public ConcurrentQueue<Exception> Failures { get; } = new();

        public void Work(Prng random)
        {
            try
            {
                List<Item> own = [];
                for (int step = 0; step < Load.Operations(StepsOnce) && Failures.IsEmpty; step++) Step(random, own);
                foreach (Item item in own) _passed.Enqueue(item);
            }
            catch (Exception failure)
            {
                Failures.Enqueue(failure);
            }
        }

        public void AssertReadsWhatIsLive()
        {
            Assert.Equal(_passed.Sum(static one => one.Bytes), _root.Memory.CurrentBytes);
            Assert.Equal(_passed.Sum(static one => one.KernelBytes), _root.Kernel.CurrentBytes);
            Assert.Equal(
                _passed.Count(static one => one.Cache is not null || one.Bytes <= SizeClasses.LargestBytes),
                _slabs.Validate());
            foreach (ObjectCache<Node> cache in _caches)
            {
                Assert.Equal(_passed.Count(one => one.Cache == cache), cache.ReadStatistics().ActiveObjects);
            }
        }

        public void FreeTheRest()
        {
            while (_passed.TryDequeue(out Item item)) Free(item);
            AssertZero(_root);
            foreach (ObjectCache<Node> cache in _caches) cache.Remove();
            Assert.Equal(0, _slabs.Validate());
            _slabs.Trim(all: true);
            for (uint i = 0; _slabs.TryClassOf(i) is { } one; i++) Assert.Equal(0, one.ReadCounts().Carved);
            Assert.Equal(0, _slabs.Arena.IdleBytes);
            Assert.Equal(0, _root.ReadEvents().AccountingErrors);
        }

        public void Dispose() => _slabs.Dispose();

        private static void AssertZero(MemoryGroup group)
        {
            Assert.Equal(0, group.Memory.CurrentBytes);
            Assert.Equal(0, group.Kernel.CurrentBytes);
            foreach (MemoryGroup child in group.Children) AssertZero(child);
        }

        private void Step(Prng random, List<Item> own)
        {
            int choice = random.Below(1000);
            switch (choice)
            {
                case < 4:
                    Interlocked.Exchange(ref _groups[random.Below(Groups)], NewGroup()).Remove();
                    break;
                case < 7:
                    _slabs.Trim(all: random.OneIn(2));
                    break;
                case < 10:
                    ReleaseOwnGroup(random);
                    break;
                case < 11:
                    MakeAndRemoveCache(random);
                    break;
                case < 15:
                    ObjectCache<Node> changed = random.Pick(_caches);
                    if (random.OneIn(2)) _ = changed.Shrink();
                    else changed.Tunables = new() { EmptySlabsKept = random.Below(3), BatchesKept = random.Below(4) };
                    break;
                case < 520:
                    if (TryAllocate(random, Volatile.Read(ref _groups[random.Below(Groups)])) is not { } made) break;
                    if (random.OneIn(2)) own.Add(made);
                    else _passed.Enqueue(made);
                    break;
                case < 770:
                    if (_passed.TryDequeue(out Item passed)) Free(passed);
                    break;
                default:
                    if (own.Count == 0) break;
                    int index = random.Below(own.Count);
                    Free(own[index]);
                    own[index] = own[^1];
                    own.RemoveAt(own.Count - 1);
                    break;
            }
        }

        private Item? TryAllocate(Prng random, MemoryGroup group)
        {
            if (random.OneIn(2)) return TryAllocate(random.Pick(_caches), group);
            MemoryKind kind = random.OneIn(2) ? MemoryKind.Kernel : MemoryKind.User;
            int bytes = random.OneIn(50) ? random.Below(600_000) : random.Below(700);
            byte* block = new GroupAllocator(_slabs.HeapOfThread(), group, kind).TryAllocate((nuint)bytes, out _);
            if (block == null) return null;   // the group was removed since it was found
            new Span<byte>(block, Math.Min(bytes, 64)).Fill((byte)bytes);
            long charged = _slabs.BytesOf(block);
            return new Item((nint)block, null, charged, kind == MemoryKind.Kernel ? charged : 0);
        }

        private static Item? TryAllocate(ObjectCache<Node> cache, MemoryGroup group)
        {
            Node* node = cache.TryAllocate(group, out _);
            if (node == null) return null;
            bool isMade = !cache.Name.Contains("made", StringComparison.Ordinal) || node->Made == Magic;
            if (!isMade) throw new InvalidOperationException("An object is not as its constructor has made it.");
            node->Words[0] = (nint)node;
            return new Item((nint)node, cache, cache.ObjectBytes, cache.ObjectBytes);
        }

        private void Free(Item item)
        {
            if (item.Cache is { } cache)
            {
                var node = (Node*)item.Address;
                if (node->Words[0] != item.Address) throw new InvalidOperationException("Two have had one object.");
                cache.Free(node);
                return;
            }

            ThreadHeap* heap = _slabs.HeapOfThread();
            if (!SlabPath.TryGive(heap, (byte*)item.Address)) _slabs.FreeSlow(heap, (byte*)item.Address);
        }

        // A group of this thread alone, which frees some of its objects and leaves the others: all go in one step,
        // before the group is removed or after.
        private void ReleaseOwnGroup(Prng random)
        {
            ObjectCache<Node> cache = _caches[2 + random.Below(2)];
            MemoryGroup group = NewGroup();
            int left = 0;
            for (int i = random.Below(400); i > 0; i--)
            {
                Item made = TryAllocate(cache, group)!.Value;
                if (random.OneIn(3)) Free(made);
                else left++;
            }

            bool isRemovedFirst = random.OneIn(2);
            if (isRemovedFirst) group.Remove();
            long freed = cache.FreeAll(group);
            bool isAll = freed == left * cache.ObjectBytes && (isRemovedFirst || group.Memory.CurrentBytes == 0);
            if (!isAll) throw new InvalidOperationException($"{left} objects were {freed} bytes, or something is left.");
            if (!isRemovedFirst) group.Remove();
        }

        private void MakeAndRemoveCache(Prng random)
        {
            if (Volatile.Read(ref _names) > 400) return;   // classes of removed caches stay
            ObjectCache<Node> cache = MakeCache("for a while", random.OneIn(2), constructs: false);
            List<Item> made = [];
            for (int i = 0; i < 50; i++)
            {
                if (TryAllocate(cache, Volatile.Read(ref _groups[random.Below(Groups)])) is { } one) made.Add(one);
            }

            foreach (Item one in made) Free(one);
            cache.Remove();
        }

        private ObjectCache<Node> MakeCache(string name, bool isPrivate, bool constructs) => new(
            _slabs, name, new() { HasPrivateSlabs = isPrivate },
            constructs ? static (ref Node node) => node.Made = Magic : null);

        private MemoryGroup NewGroup() => _root.CreateChild($"g{Interlocked.Increment(ref _names)}");
    }
}
