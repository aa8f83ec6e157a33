using Allot.Maps;

namespace Allot.Tests.Docs;

/// <summary>The code of the guide to maps that connect.</summary>
public sealed class LinkingMapSnippets
{
    private readonly MemoryGroup _acme = new MemoryController().Root.CreateChild("acme");

    [Fact]
    public async Task Writes_and_reads_a_ring()
    {
        MemoryGroup acme = _acme;
        List<int> lengths = [];
        CancellationToken stop = TestContext.Current.CancellationToken;

        #region linking-ring
        var definition = new MapDefinition { Name = "events", Type = MapType.RingBuffer, Capacity = 64 << 10 };
        using (var events = new RingBuffer(acme, definition))
        {
            events.TryWrite("a tenant has come"u8);           // from any thread; false when the ring is full
            if (events.TryReserve(100, out RingReservation reservation))
            {
                reservation.Bytes.Fill((byte)'x');            // in place: nothing is copied
                reservation.Submit();
            }

            while (lengths.Count < 2 && await events.WaitToReadAsync(stop))
            {
                events.Consume(
                    static (record, lengths) =>
                    {
                        lengths.Add(record.Length);           // the bytes are valid until this returns
                        return true;                          // the next one, please
                    },
                    lengths);
            }
        }
        #endregion

        Assert.Equal([17, 100], lengths);
        Assert.Equal(0, acme.Memory.CurrentBytes);
    }

    [Fact]
    public void Keeps_a_value_for_each_thread()
    {
        MemoryGroup acme = _acme;

        #region linking-storage
        var definition = new MapDefinition
        {
            Name = "requests",
            Type = MapType.TaskStorage,
            KeyBytes = 4,
            ValueBytes = 8,
            Flags = MapFlags.NoPreallocation,
        };
        using (var requests = new TaskStorage(acme, definition))
        {
            if (requests.TryGetOrAdd(Thread.CurrentThread, out StorageUse use))
            {
                using (use) use.Bytes[0]++;
            }

            Console.WriteLine($"{requests.Count} thread, {requests.ChargedBytes} bytes");
        }
        #endregion

        Assert.Equal(0, acme.Memory.CurrentBytes);
    }
}
