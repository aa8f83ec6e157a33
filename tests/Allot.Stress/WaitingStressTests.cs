using Allot.Testing;

namespace Allot.Stress;

/// <summary>Charges that wait, charges that do not, tokens that fire and limits that move: nobody waits for ever, nothing
/// is lost.</summary>
public sealed class WaitingStressTests(ITestOutputHelper output)
{
    private const long LimitBytes = 1_000;

    private int _waits, _cancelled;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    // Each flow holds nothing while it waits, so it can only hang by a lost wake-up.
    [Theory, MemberData(nameof(Seeds))]
    public async Task No_wake_up_is_lost(ulong seed)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        var controller = new MemoryController(new() { MaxBytes = LimitBytes });
        MemoryGroup[] groups =
        [
            .. Enumerable.Range(0, 4).Select(i => controller.Root.CreateChild($"g{i}", new() { MaxBytes = 400 + (i * 100) })),
        ];
        int operations = Load.Operations(3_000);
        // On a machine that lets the flows run one after the other nobody waits: then they run again.
        for (int round = 0; round < 100 && (_cancelled == 0 || _waits <= _cancelled); round++)
        {
            Task[] flows = [.. Enumerable.Range(0, 16).Select(i =>
                Task.Run(() => Flow(groups, new Prng((seed * 100) + (ulong)i), operations)))];
            await Task.WhenAll(flows);
        }

        Assert.Empty(TreeWalk.FindViolations(controller));
        Assert.Equal(0, controller.Root.Memory.CurrentBytes);
        Assert.Equal(0, controller.Root.ReadEvents().AccountingErrors);
        output.WriteLine($"{_waits} waits, {_cancelled} of them cancelled");
        Assert.True(_waits > _cancelled && _cancelled > 0, "Nobody waited: the test proves nothing.");
    }

    private async Task Flow(MemoryGroup[] groups, Prng random, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            MemoryGroup group = random.Pick(groups);
            long bytes = 1 + random.Below(400);
            bool isImpatient = random.OneIn(4);
            if (isImpatient)
            {
                if (!group.TryCharge(MemoryKind.User, bytes, out _)) continue;
            }
            else
            {
                using var source = new CancellationTokenSource();
                Task charging = group.ChargeAsync(MemoryKind.User, bytes, source.Token).AsTask();
                if (!charging.IsCompleted) Interlocked.Increment(ref _waits);
                if (random.OneIn(8)) await source.CancelAsync();
                try
                {
                    await charging;
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref _cancelled);
                    continue;
                }
            }

            if (random.OneIn(2)) await Task.Yield();
            group.Uncharge(MemoryKind.User, bytes);
        }
    }
}
