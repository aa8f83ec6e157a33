// No system call in a steady state, as the kernel sees it: it counts every system call of the thread that allocates.
//
// The checks of debugging are off: they note where a scope was entered, and that has the runtime ask for memory.
//
// A window is a hundred thousand operations, of large blocks ten thousand. The runtime makes system calls on this thread
// too, at times: it compiles what runs for long, and stops all threads by a signal when it collects or changes compiled
// code. And once a second memory that lay idle goes back, and is asked for again. None of that is in every window. A call
// that belongs to allocating is: so what is looked for is several windows in a row without any, which a steady state has
// sooner or later and anything else never. That the counter counts, and that an allocator that asks the system in a loop
// is found, are tests too.

using Allot.Testing;
using Allot.Tests.Scopes;

namespace Allot.Tests.Slabs;

/// <summary>A steady state makes no system call, whoever pays and whichever way a block is asked for.</summary>
[Collection(AloneInProcess.Name)]
public sealed unsafe class SystemCallTests : IDisposable
{
    private const int Operations = 100_000, Live = 5000, Batch = 256, WindowsMost = 100, WindowsInARow = 5;

    private static readonly MemoryGroupOptions s_limited = new() { MaxBytes = 1L << 40 };

    private readonly MemoryGroup _group =
        new MemoryController(s_limited).Root.CreateChild("a", s_limited).CreateChild("b", s_limited);

    private readonly nint[] _live = new nint[Live];
    private readonly int[] _sizes = new int[1024];
    private readonly Prng _random = new(1);
    private readonly ChecksOn _checks = new(isEnabled: false);

    public enum Way
    {
        ByHandle,
        ByGroup,
        InScope,
    }

    public static MatrixTheoryData<Way, string> Steady =>
        new(Enum.GetValues<Way>(), ["pair", "batch", "random replacement", "mixed sizes", "large blocks"]);

    public void Dispose()
    {
        foreach (nint block in _live) GroupMemory.Free((byte*)block);
        _checks.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Steady))]
    public void A_steady_state_makes_no_system_call(Way way, string load)
    {
        using SystemCallCounter counter = OpenCounter();
        Action window = WindowOf(way, load);
        Assert.True(BecomesQuiet(counter, window), "Every window had a system call.");
    }

    [Theory]
    [InlineData(Way.ByHandle), InlineData(Way.ByGroup), InlineData(Way.InScope)]
    public void Freeing_what_another_thread_allocates_makes_no_system_call(Way way)
    {
        // They take turns, so that none waits while it is counted: waiting is a call of its own.
        using var other = new TurnThread();
        SystemCallCounter? others = null;
        string why = "";
        other.Run(() => others = SystemCallCounter.TryOpen(out why));
        using SystemCallCounter counter = OpenCounter();
        var passed = new nint[20_000];
        int inARow = 0;
        for (int window = 0; window < WindowsMost && inARow < WindowsInARow; window++)
        {
            long allocating = Count(counter, () => AllocateAll(way, passed)), freeing = 0;
            other.Run(() => freeing = Count(others!, () => FreeAll(passed)));
            inARow = allocating + freeing == 0 ? inARow + 1 : 0;
        }

        other.Run(() => others!.Dispose());
        Assert.Equal(WindowsInARow, inARow);
    }

    [Fact]
    public void The_counter_counts_system_calls()
    {
        const int Calls = 100;
        using SystemCallCounter counter = OpenCounter();
        long counted = Count(counter, static () =>
        {
            for (int i = 0; i < Calls; i++) _ = Thread.Yield();
        });
        Assert.InRange(counted, Calls, long.MaxValue);
    }

    [Fact]
    public void An_allocator_that_asks_the_system_in_its_loop_is_found()
    {
        using SystemCallCounter counter = OpenCounter();
        Action window = WindowOf(Way.ByHandle, "large blocks");
        Assert.False(BecomesQuiet(counter, () =>
        {
            GroupMemory.Free(GroupMemory.Allocate(_group, 1 << 20));
            _ = GroupMemory.Trim();   // gives that back
            window();
        }));
    }

    private static SystemCallCounter OpenCounter()
    {
        Assert.SkipWhen(BlockChecks.IsEnabled, "Each block notes where it was allocated.");
        SystemCallCounter? counter = SystemCallCounter.TryOpen(out string why);
        Assert.SkipWhen(counter is null, why);
        return counter!;
    }

    private static bool BecomesQuiet(SystemCallCounter counter, Action window)
    {
        int inARow = 0;
        for (int i = 0; i < WindowsMost && inARow < WindowsInARow; i++)
        {
            inARow = Count(counter, window) == 0 ? inARow + 1 : 0;
        }

        return inARow == WindowsInARow;
    }

    // What is read first is counted already; what is read last counts itself.
    private static long Count(SystemCallCounter counter, Action window)
    {
        long before = counter.Read();
        window();
        return counter.Read() - before - 1;
    }

    private Action WindowOf(Way way, string load)
    {
        switch (load)
        {
            case "pair":
                return () => Pairs(way);
            case "batch":
                return () => Batches(way);
            case "random replacement":
                _sizes.AsSpan().Fill(64);
                break;
            case "mixed sizes":
                for (int i = 0; i < _sizes.Length; i++) _sizes[i] = _random.Below(1 << (4 + (i % 11)));
                break;
            default:
                for (int i = 0; i < _sizes.Length; i++) _sizes[i] = SizeClasses.LargestBytes + _random.Below(1 << 18);
                return () => Replace(way, live: 20, Operations / 10);
        }

        return () => Replace(way, Live, Operations);
    }

    private void Pairs(Way way)
    {
        using ActiveGroupScope scope = Enter(way);
        GroupAllocator allocator = _group.Allocator();
        for (int i = 0; i < Operations; i++) Free(way, allocator, Allocate(way, allocator, 64));
    }

    private void Batches(Way way)
    {
        using ActiveGroupScope scope = Enter(way);
        GroupAllocator allocator = _group.Allocator();
        nint* batch = stackalloc nint[Batch];
        for (int done = 0; done < Operations; done += Batch)
        {
            for (int i = 0; i < Batch; i++) batch[i] = Allocate(way, allocator, 64);
            for (int i = 0; i < Batch; i++) Free(way, allocator, batch[i]);
        }
    }

    private void Replace(Way way, int live, int count)
    {
        using ActiveGroupScope scope = Enter(way);
        GroupAllocator allocator = _group.Allocator();
        for (int i = 0; i < count; i++)
        {
            int index = _random.Below(live);
            Free(way, allocator, _live[index]);
            _live[index] = Allocate(way, allocator, _sizes[i & (_sizes.Length - 1)]);
        }
    }

    private void AllocateAll(Way way, nint[] passed)
    {
        using ActiveGroupScope scope = Enter(way);
        GroupAllocator allocator = _group.Allocator();
        for (int i = 0; i < passed.Length; i++) passed[i] = Allocate(way, allocator, 16 + (i % 500));
    }

    private static void FreeAll(nint[] passed)
    {
        foreach (nint block in passed) GroupMemory.Free((byte*)block);
    }

    private ActiveGroupScope Enter(Way way) => AllocationScope.ActiveGroup(way == Way.InScope ? _group : null);

    private nint Allocate(Way way, in GroupAllocator allocator, int bytes) => (nint)(way switch
    {
        Way.ByHandle => allocator.Allocate((nuint)bytes),
        Way.ByGroup => GroupMemory.Allocate(_group, (nuint)bytes),
        _ => GroupMemory.Allocate((nuint)bytes),
    });

    private static void Free(Way way, in GroupAllocator allocator, nint block)
    {
        if (way == Way.ByHandle) allocator.Free((byte*)block);
        else GroupMemory.Free((byte*)block);
    }
}
