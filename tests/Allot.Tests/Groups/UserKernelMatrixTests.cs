namespace Allot.Tests;

/// <summary>What the limits of all memory (U) and of kernel memory (K) mean together, in both modes.</summary>
public sealed class UserKernelMatrixTests
{
    private const long None = MemoryGroup.Unlimited;
    private const KernelAccountingMode Always = KernelAccountingMode.Always, OnFirst = KernelAccountingMode.OnFirstLimit;

    /// <summary>Mode; U and K; user bytes that are held; kernel bytes that are asked for; who refuses them; bytes of
    /// memory and of kernel memory afterwards.</summary>
    public static TheoryData<KernelAccountingMode, Limits, long, long, CounterKind?, long, long> Matrix => new()
    {
        // No limit at all.
        { Always, new(None, None), 50, 1000, null, 1050, 1000 },
        { OnFirst, new(None, None), 50, 1000, null, 50, 0 },

        // U alone: kernel memory is a part of it, or is ignored altogether.
        { Always, new(100, None), 50, 50, null, 100, 50 },
        { Always, new(100, None), 50, 51, CounterKind.Memory, 50, 0 },
        { OnFirst, new(100, None), 50, 51, null, 50, 0 },
        { OnFirst, new(100, None), 100, 1000, null, 100, 0 },

        // K alone: only kernel memory is bounded.
        { Always, new(None, 40), 500, 40, null, 540, 40 },
        { Always, new(None, 40), 500, 41, CounterKind.Kernel, 500, 0 },
        { OnFirst, new(None, 40), 500, 40, null, 540, 40 },
        { OnFirst, new(None, 40), 500, 41, CounterKind.Kernel, 500, 0 },

        // K < U: kernel memory is a bounded part.
        { Always, new(100, 40), 50, 40, null, 90, 40 },
        { Always, new(100, 40), 50, 41, CounterKind.Kernel, 50, 0 },
        { Always, new(100, 40), 70, 31, CounterKind.Memory, 70, 0 },
        { OnFirst, new(100, 40), 50, 40, null, 90, 40 },
        { OnFirst, new(100, 40), 50, 41, CounterKind.Kernel, 50, 0 },
        { OnFirst, new(100, 40), 70, 31, CounterKind.Memory, 70, 0 },

        // K >= U: one budget, and U is met first; or tracking without a limit of its own.
        { Always, new(100, 100), 50, 50, null, 100, 50 },
        { Always, new(100, 100), 50, 51, CounterKind.Memory, 50, 0 },
        { Always, new(100, 200), 0, 101, CounterKind.Memory, 0, 0 },
        { OnFirst, new(100, 100), 50, 50, null, 100, 50 },
        { OnFirst, new(100, 100), 50, 51, CounterKind.Memory, 50, 0 },
        { OnFirst, new(100, 200), 0, 101, CounterKind.Memory, 0, 0 },
        { OnFirst, new(None, None - 1), 50, 1000, null, 1050, 1000 },

        // K = 0: no kernel memory.
        { Always, new(100, 0), 50, 1, CounterKind.Kernel, 50, 0 },
        { OnFirst, new(100, 0), 50, 1, CounterKind.Kernel, 50, 0 },
    };

    [Theory, MemberData(nameof(Matrix))]
    public void Limits_given_at_creation(
        KernelAccountingMode mode, Limits limits, long user, long asked, CounterKind? refuses, long memory, long kernel)
    {
        MemoryGroup group = NewTree(mode).CreateChild("g", new() { MaxBytes = limits.U, KernelMaxBytes = limits.K });
        Check(group, user, asked, refuses, (memory, kernel));
    }

    [Theory, MemberData(nameof(Matrix))]
    public void Limits_set_before_the_first_charge(
        KernelAccountingMode mode, Limits limits, long user, long asked, CounterKind? refuses, long memory, long kernel)
    {
        MemoryGroup group = NewTree(mode).CreateChild("g");
        group.Kernel.MaxBytes = limits.K;
        group.Memory.MaxBytes = limits.U;
        Check(group, user, asked, refuses, (memory, kernel));
    }

    // A child has its parent's limits only by hierarchy, and its parent's mode.
    [Theory, MemberData(nameof(Matrix))]
    public void Limits_of_the_parent(
        KernelAccountingMode mode, Limits limits, long user, long asked, CounterKind? refuses, long memory, long kernel)
    {
        MemoryGroup parent = NewTree(mode).CreateChild("p", new() { MaxBytes = limits.U, KernelMaxBytes = limits.K });
        Check(parent.CreateChild("g"), user, asked, refuses, (memory, kernel));
    }

    private static MemoryGroup NewTree(KernelAccountingMode mode) =>
        new MemoryController(options: new() { KernelAccounting = mode }).Root;

    private static void Check(
        MemoryGroup group, long user, long asked, CounterKind? refuses, (long Memory, long Kernel) expected)
    {
        group.Charge(MemoryKind.User, user);
        bool charged = group.TryCharge(MemoryKind.Kernel, asked, out ChargeRefusal refusal);
        Assert.Equal(refuses is null, charged);
        if (refuses is not null) Assert.Equal(refuses, refusal.Counter);
        Assert.Equal(expected, (group.Memory.CurrentBytes, group.Kernel.CurrentBytes));
        Assert.Equal(expected.Kernel, group.Kernel.PeakBytes);
        if (!group.CountsKernelMemory) CheckThatNothingIsCounted(group, asked);
        if (charged) group.Uncharge(MemoryKind.Kernel, asked);
        Assert.Equal((user, 0), (group.Memory.CurrentBytes, group.Kernel.CurrentBytes));
        Assert.Equal(0, group.ReadEvents().AccountingErrors);

        // What K refuses, U still has room for.
        if (refuses == CounterKind.Kernel) group.Charge(MemoryKind.User, asked);
    }

    // Kernel memory, whichever way it is charged.
    private static void CheckThatNothingIsCounted(MemoryGroup group, long asked)
    {
        MemoryEvents events = group.Controller.Root.ReadEvents();
        long peak = group.Controller.Root.Memory.PeakBytes;
        for (int i = 0; i < 3; i++)
        {
            group.Charge(MemoryKind.Kernel, asked);
            group.ForceCharge(MemoryKind.Kernel, asked);
            group.Handle(MemoryKind.Kernel).Charge(asked);
        }

        Assert.Equal(0, group.Kernel.CurrentBytes);
        group.Uncharge(MemoryKind.Kernel, 8 * asked);
        group.Handle(MemoryKind.Kernel).Uncharge(asked);
        Assert.Equal(default, events);
        Assert.Equal(default, group.Controller.Root.ReadEvents());
        Assert.Equal(peak, group.Controller.Root.Memory.PeakBytes);
    }

    /// <summary>The two limits.</summary>
    public sealed record Limits(long U, long K);
}
