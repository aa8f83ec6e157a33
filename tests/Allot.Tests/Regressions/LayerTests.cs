namespace Allot.Tests.Regressions;

/// <summary>What goes wrong between a charge and the memory that it is for: exceptions, and several owners.</summary>
public sealed class LayerTests
{
    private readonly TreeOfThree _tree = new(middle: new() { MaxBytes = 10_000 });

    [Fact]
    public void An_allocation_that_throws_leaves_nothing_charged()
    {
        Assert.Throws<InsufficientMemoryException>(() => Allocate(60, throws: true));
        Assert.Equal([0, 0, 0], _tree.Memory);
        using MemoryCharge charge = Allocate(60, throws: false);
        Assert.Equal([60, 60, 60], _tree.Memory);
    }

    [Fact]
    public void An_exception_anywhere_inside_of_using_leaves_nothing_charged()
    {
        for (int place = 0; place < 4; place++)
        {
            Assert.Throws<InvalidOperationException>(() =>
            {
                using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.Kernel, 10);
                FailAt(0, place);
                charge.Grow(20);
                FailAt(1, place);
                charge.TransferTo(_tree.Middle);
                FailAt(2, place);
                charge.Shrink(5);
                FailAt(3, place);
            });
            Assert.Equal([0, 0, 0], _tree.Memory);
            Assert.Equal([0, 0, 0], _tree.Kernel);
        }

        Assert.Equal(default, _tree.Root.ReadEvents());

        static void FailAt(int here, int place)
        {
            if (here == place) throw new InvalidOperationException("test");
        }
    }

    [Fact]
    public async Task An_exception_after_an_awaited_charge_leaves_nothing_charged()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User);
            charge.Grow(10);
            await Task.Yield();
            throw new InvalidOperationException("test");
        });
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    // A reader fills a buffer and hands it to a query: the charge goes with the buffer.
    [Fact]
    public void A_buffer_that_is_handed_on_is_charged_once_at_any_time()
    {
        MemoryGroup reader = _tree.Middle.CreateChild("reader"), query = _tree.Middle.CreateChild("query");
        using MemoryCharge buffer = reader.Hold(MemoryKind.User, 6_000);   // twice would not fit
        buffer.TransferTo(query);
        Assert.Equal((0, 6_000), (reader.Memory.CurrentBytes, query.Memory.CurrentBytes));
        Assert.Equal((6_000, 6_000), (_tree.Middle.Memory.CurrentBytes, _tree.Middle.Memory.PeakBytes));
    }

    // Nobody can know that two charges are for one buffer. But each layer with a group of its own is shown apart.
    [Fact]
    public void Two_layers_that_both_charge_one_buffer_are_both_shown_also_in_the_refusal()
    {
        MemoryGroup reader = _tree.Middle.CreateChild("reader"), query = _tree.Middle.CreateChild("query");
        using MemoryCharge first = reader.Hold(MemoryKind.User, 5_000), second = query.Hold(MemoryKind.User, 5_000);
        Assert.Equal((5_000, 5_000), (reader.Memory.CurrentBytes, query.Memory.CurrentBytes));
        Assert.False(_tree.Leaf.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal));
        string text = refusal.ToString();
        Assert.Contains("'reader' 5000", text, StringComparison.Ordinal);
        Assert.Contains("'query' 5000", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_quotes_the_amount_that_was_asked_for_and_not_a_batch()
    {
        const long MiB = 1 << 20;
        MemoryGroup group = _tree.Root.CreateChild("g", new() { MaxBytes = 4 * MiB });
        for (int i = 0; i < 100; i++) group.Charge(MemoryKind.User, 10);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        Assert.False(group.TryCharge(MemoryKind.User, (4 * MiB) - 999, out ChargeRefusal refusal));
        Assert.Equal(((4 * MiB) - 999, 1000), (refusal.RequestedBytes, refusal.CurrentBytes));
        Assert.Contains($"{(4 * MiB) - 999} bytes", refusal.ToString(), StringComparison.Ordinal);
    }

    private MemoryCharge Allocate(long bytes, bool throws)
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, bytes);
        try
        {
            if (throws) throw new InsufficientMemoryException("test");
            return charge;
        }
        catch
        {
            charge.Dispose();
            throw;
        }
    }
}
