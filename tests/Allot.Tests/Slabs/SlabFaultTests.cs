using Allot.Tests.Pages;

namespace Allot.Tests.Slabs;

/// <summary>The system refuses memory, at every place where it could: nothing stays charged and nothing is lost.
/// </summary>
public sealed unsafe class SlabFaultTests
{
    [Fact]
    public void Every_request_to_the_system_may_fail_once() => FailAtEach(fromThereOn: false);

    [Fact]
    public void Every_request_to_the_system_may_be_the_last_that_succeeds() => FailAtEach(fromThereOn: true);

    [Fact]
    public void An_allocator_that_cannot_be_made_leaves_nothing()
    {
        var pages = new FailingPages { FailsFromThereOn = true };
        for (int n = 1; n < 8; n++)
        {
            pages.Restart();
            pages.FailsAt = n;
            try
            {
                using var made = new SlabAllocator(pages, 1L << 28);
            }
            catch (InsufficientMemoryException)
            {
            }

            Assert.Equal(0, pages.ReservedBytes);
        }
    }

    private static void FailAtEach(bool fromThereOn)
    {
        int requests = Run(0, fromThereOn, out int failures);
        Assert.Equal(0, failures);
        Assert.InRange(requests, 5, 500);
        int everFailed = 0;
        for (int n = 1; n <= requests; n++)
        {
            _ = Run(n, fromThereOn, out failures);
            if (failures > 0) everFailed++;
        }

        Assert.True(everFailed > 0);
    }

    // Two groups, so that units become mixed; a part is freed between, large blocks included.
    private static int Run(int failsAt, bool fromThereOn, out int failures)
    {
        using var slabs = new SlabFixture();
        slabs.Pages.Restart();
        slabs.Pages.FailsAt = failsAt;
        slabs.Pages.FailsFromThereOn = fromThereOn;
        List<(MemoryGroup Group, nint Block)> live = [];
        failures = 0;
        foreach (int bytes in (int[])[16, 64, 1000, 5000, 40_000, 300_000, 2_000_000])
        {
            for (int i = 0; i < 60; i++)
            {
                if (bytes > 100_000 && i > 4) break;
                MemoryGroup group = i % 3 == 0 ? slabs.B : slabs.A;
                try
                {
                    nint block = slabs.Allocate(group, bytes);
                    new Span<byte>((void*)block, bytes).Fill((byte)i);
                    live.Add((group, block));
                }
                catch (InsufficientMemoryException)
                {
                    failures++;
                }

                Assert.Equal(SumOf(slabs, live), slabs.Root.Memory.CurrentBytes);
            }

            for (int i = live.Count - 1; i >= 0; i -= 2)
            {
                slabs.Free(live[i].Block);
                live.RemoveAt(i);
            }
        }

        Assert.Equal(SumOf(slabs, live.FindAll(one => one.Group == slabs.B)), slabs.B.Memory.CurrentBytes);
        foreach ((_, nint block) in live) slabs.Free(block);
        int requests = slabs.Pages.Requests;
        slabs.AssertNothingLeft();
        return requests;
    }

    private static long SumOf(SlabFixture slabs, IEnumerable<(MemoryGroup Group, nint Block)> live) =>
        live.Sum(one => slabs.Slabs.BytesOf((byte*)one.Block));
}
