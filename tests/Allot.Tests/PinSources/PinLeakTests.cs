using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Tests.Buffers;

namespace Allot.Tests.PinSources;

/// <summary>What is said of pins that nobody has ended.</summary>
[Collection(KernelPins.Collection)]   // leaks are counted for the process
public sealed class PinLeakTests : IDisposable
{
    private readonly string _name = $"leaks-{Guid.NewGuid():N}";
    private readonly MemoryGroup _group;
    private readonly Listener _listener;

    public PinLeakTests()
    {
        _group = new MemoryController().Root.CreateChild(_name);
        _listener = new Listener(_name);
        Trace.Listeners.Add(_listener);
    }

    public void Dispose()
    {
        Trace.Listeners.Remove(_listener);
        _listener.Dispose();
    }

    [Fact]
    public void A_forgotten_pin_of_a_buffer_is_described_with_its_group_its_source_and_its_end()
    {
        Forget(PinCounting.EachTime);
        GroupMemoryPoolTests.CollectLeaks(() => _group.Pins.CurrentBytes == 0);
        Assert.Matches(
            $"""
            ^Allot: the owner of 100 bytes of '/{_name}', pinned \(ObjectHandle\) for \d+\.\d\d\d s was collected and not disposed. The bytes were given back. Further cases in this group are only counted \(PinsLeaked, PinLeaks.Recent\).$
            """,
            Assert.Single(_listener.Messages));
        PinReport leak = Found();
        Assert.Equal((100, PinKind.Pinned, PinSource.ObjectHandle, null), (leak.Bytes, leak.Kind, leak.Source, leak.Place));
    }

    [Fact]
    public void One_of_several_pins_that_count_once_is_said_to_be_held_by_the_others()
    {
        byte[] shared = new byte[100];
        using (PinnedHandle.Of(_group, shared, PinCounting.OncePerGroup))
        {
            Forget(PinCounting.OncePerGroup, shared);
            GroupMemoryPoolTests.CollectLeaks(() => _listener.Messages.Count > 0);
            Assert.Equal(100, _group.Pins.CurrentBytes);
            Assert.Contains("and not disposed. Others in the group hold it too", Assert.Single(_listener.Messages));
            Assert.Equal(1, _group.ReadEvents().PinsLeaked);
        }

        Assert.Equal(0, _group.Pins.CurrentBytes);
    }

    [Fact]
    public void The_place_where_it_began_stands_at_the_end()
    {
        PinFinder.RecordsPlaces = true;
        try
        {
            Forget(PinCounting.EachTime);
        }
        finally
        {
            PinFinder.RecordsPlaces = false;
        }

        GroupMemoryPoolTests.CollectLeaks(() => _group.Pins.CurrentBytes == 0);
        string[] lines = Assert.Single(_listener.Messages).Split('\n', 2);
        Assert.EndsWith("PinLeaks.Recent). It began", lines[0], StringComparison.Ordinal);
        Assert.Contains(nameof(Forget), lines[1], StringComparison.Ordinal);
        Assert.Equal(Found().Place, lines[1]);
    }

    private PinReport Found() => Assert.Single(PinLeaks.Recent, leak => leak.Group == _group);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Forget(PinCounting counting, byte[]? array = null) =>
        _ = PinnedHandle.Of(_group, array ?? new byte[100], counting);

    private sealed class Listener(string name) : TraceListener
    {
        private readonly Lock _lock = new();
        private readonly List<string> _messages = [];

        public IReadOnlyList<string> Messages
        {
            get
            {
                lock (_lock) return [.. _messages];
            }
        }

        public override void TraceEvent(
            TraceEventCache? eventCache, string source, TraceEventType eventType, int id, string? message) => Add(message);

        public override void Write(string? message) => Add(message);

        public override void WriteLine(string? message) => Add(message);

        private void Add(string? message)
        {
            if (message is null || !message.Contains(name, StringComparison.Ordinal)) return;
            lock (_lock) _messages.Add(message);
        }
    }
}
