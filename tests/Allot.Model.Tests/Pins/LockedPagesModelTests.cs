using System.Globalization;
using Allot.Testing;

namespace Allot.Model.Tests.Pins;

/// <summary>Locks by random holders at random places against a model that knows each page by itself: who holds it, in
/// which order, and so who pays. The system is one that refuses now and then, also half way.</summary>
/// <remarks>ALLOT_MODEL_SEED replays one seed; ALLOT_MODEL_STEPS walks further than by default.</remarks>
public sealed class LockedPagesModelTests
{
    private const int Pages = 40, Holders = 5, FirstPage = 100;

    public static TheoryData<ulong> Seeds =>
        Environment.GetEnvironmentVariable("ALLOT_MODEL_SEED") is { Length: > 0 } seed
            ? [ulong.Parse(seed, CultureInfo.InvariantCulture)]
            : [1, 2, 3, 4, 5, 6, 7, 8];

    private static int Steps =>
        Environment.GetEnvironmentVariable("ALLOT_MODEL_STEPS") is { Length: > 0 } steps
            ? int.Parse(steps, CultureInfo.InvariantCulture)
            : 2_000;

    [Theory, MemberData(nameof(Seeds))]
    public void Locks_agree_with_a_model_of_single_pages(ulong seed)
    {
        var random = new Prng(seed);
        var system = new PageLocks(random);
        var pages = new LockedPages(system);
        var tree = new MemoryController();
        MemoryGroup top = tree.Root.CreateChild("top");
        MemoryGroup[] groups = [top.CreateChild("a"), top.CreateChild("b"), tree.Root.CreateChild("c")];
        PinWorker[] workers = [.. Enumerable.Range(0, Holders).Select(i => new PinWorker(groups[i % groups.Length]))];
        LockHolder[] holders =
        [
            .. workers.Select(worker => new LockHolder(new PinAccount(worker, new()
            {
                Kind = PinKind.Locked, Source = PinSource.MemoryLock, LockLimit = null,
            }))),
        ];
        var model = new List<int>[Pages];
        for (int i = 0; i < Pages; i++) model[i] = [];

        for (int step = 0; step < Steps; step++)
        {
            int who = random.Below(Holders), start = random.Below(Pages), length = random.Below(Pages - start + 1);
            var range = new PageRange(Address(start), Address(start + length));
            switch (random.Below(10))
            {
                case < 5:
                    bool isLocked = TryLock(pages, holders[who], range, onFault: random.OneIn(2));
                    for (int i = start; isLocked && i < start + length; i++)
                    {
                        if (!model[i].Contains(who)) model[i].Add(who);
                    }

                    break;
                case < 8:
                    Assert.Equal(0, pages.Unlock(holders[who], range));
                    for (int i = start; i < start + length; i++) model[i].Remove(who);
                    break;
                case 8:
                    workers[who].MoveTo(random.Pick(groups));
                    break;
                default:
                    top.Pins.MaxBytes = random.OneIn(3) ? MemoryGroup.Unlimited : PageBytes * random.Below(Pages);
                    break;
            }

            Compare($"seed {seed}, step {step}: ");
        }

        foreach (LockHolder holder in holders)
        {
            Assert.Equal(0, pages.UnlockAll(holder));
            holder.Account.Dispose();
        }

        Assert.Equal(0, pages.Bytes);
        Assert.Empty(system.Locked);
        Assert.Equal(default, tree.Root.ReadStat());
        Assert.Equal(0, tree.Root.Pins.CurrentBytes);
        Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);

        void Compare(string when)
        {
            pages.Validate();
            int[] locked = [.. Enumerable.Range(0, Pages).Where(i => model[i].Count > 0)];
            Assert.True(locked.Select(i => Address(i)).SequenceEqual(system.Locked.Order()), when + "what is locked");
            Assert.True(pages.Bytes == locked.Length * PageBytes, when + "the sum");
            for (int i = 0; i < Holders; i++)
            {
                long pays = locked.Count(page => model[page][0] == i) * PageBytes;
                Assert.True(holders[i].Account.Bytes == pays, $"{when}what {i} pays for");
                long holds = locked.Count(page => model[page].Contains(i)) * PageBytes;
                Assert.True(pages.BytesOf(holders[i]) == holds, $"{when}what {i} holds");
            }

            foreach (MemoryGroup group in groups)
            {
                long expected = Enumerable.Range(0, Holders).Where(i => workers[i].Group == group)
                    .Sum(i => holders[i].Account.Bytes);
                Assert.True(group.Pins.CurrentBytes == expected, $"{when}{group}");
                Assert.True(group.ReadStat().LockedBytes == expected, $"{when}{group}, locked");
                Assert.True(group.ReadPinStat().BytesOf(PinSource.MemoryLock) == expected, $"{when}{group}, by source");
            }

            Assert.True(tree.Root.Pins.CurrentBytes == pages.Bytes, when + "the root");
        }
    }

    private static long PageBytes => Environment.SystemPageSize;

    private static nuint Address(int page) => (nuint)((FirstPage + page) * PageBytes);

    private static bool TryLock(LockedPages pages, LockHolder holder, PageRange range, bool onFault)
    {
        try
        {
            return pages.TryLock(holder, range, onFault, out _);
        }
        catch (MemoryLockException)
        {
            return false;
        }
    }

    /// <summary>A system that keeps a set of locked pages, and refuses one lock in eight after a part of it.</summary>
    private sealed class PageLocks(Prng random) : IMemoryLocks
    {
        public HashSet<nuint> Locked { get; } = [];

        public int Lock(PageRange range, bool onFault)
        {
            int pages = (int)(range.Bytes / PageBytes);
            bool isRefused = random.OneIn(8);
            int done = isRefused ? random.Below(pages) : pages;
            for (int i = 0; i < done; i++) Locked.Add(range.Start + (nuint)(i * PageBytes));
            return isRefused ? 12 : 0;
        }

        public int Unlock(PageRange range)
        {
            for (nuint page = range.Start; page < range.End; page += (nuint)PageBytes) Locked.Remove(page);
            return 0;
        }
    }
}
