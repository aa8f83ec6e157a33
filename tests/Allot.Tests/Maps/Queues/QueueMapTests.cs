using Allot.Maps;

namespace Allot.Tests.Maps.Queues;

/// <summary>Queues and stacks: order, room, and many threads.</summary>
public sealed unsafe class QueueMapTests
{
    [Fact]
    public void A_full_queue_drops_the_oldest_if_told_to()
    {
        using var queue = new QueueMap<int>(new TreeOfThree().Leaf, capacity: 3);
        for (int value = 1; value <= 3; value++) Assert.True(queue.TryEnqueue(value));
        Assert.False(queue.TryEnqueue(4));
        queue.EnqueueOverOldest(4);
        Assert.Equal([2, 3, 4], ValuesOf(queue.GetEnumerator()));
        Assert.True(queue.TryPeek(out int next));
        Assert.Equal(2, next);
        for (int value = 2; value <= 4; value++)
        {
            Assert.True(queue.TryDequeue(out next));
            Assert.Equal(value, next);
        }

        Assert.False(queue.TryDequeue(out next));
        Assert.Equal(0, next);
        Assert.False(queue.TryPeek(out _));
        Assert.Equal(0, queue.Count);
        Assert.Equal(3, queue.Capacity);
    }

    [Fact]
    public void A_full_stack_drops_the_oldest_if_told_to()
    {
        using var stack = new StackMap<int>(new TreeOfThree().Leaf, capacity: 3);
        for (int value = 1; value <= 3; value++) Assert.True(stack.TryPush(value));
        Assert.False(stack.TryPush(4));
        stack.PushOverOldest(4);
        Assert.Equal([4, 3, 2], ValuesOf(stack.GetEnumerator()));
        Assert.True(stack.TryPeek(out int next));
        Assert.Equal(4, next);
        for (int value = 4; value >= 2; value--)
        {
            Assert.True(stack.TryPop(out next));
            Assert.Equal(value, next);
        }

        Assert.False(stack.TryPop(out _));
        Assert.Equal(3, stack.Capacity);
        Assert.Equal(0, stack.Count);
    }

    // The memory is another map's by then.
    [Theory]
    [InlineData(MapType.Queue)]
    [InlineData(MapType.Stack)]
    public void Nobody_adds_to_one_that_was_disposed(MapType type)
    {
        var tree = new TreeOfThree();
        var definition = new MapDefinition { Type = type, ValueBytes = 4, Capacity = 3 };
        var disposed = (QueueMap)GroupMap.Create(tree.Leaf, definition);
        int value = 7;
        Assert.Equal(0, disposed.Push((byte*)&value, flags: 0));
        disposed.Dispose();
        using GroupMap next = GroupMap.Create(tree.Leaf, definition);
        Assert.Throws<ObjectDisposedException>(() => Call(disposed, static (map, bytes) => map.Push(bytes, flags: 0)));
        Assert.Throws<ObjectDisposedException>(() => Call(disposed, static (map, bytes) => map.Push(bytes, flags: 2)));
        Assert.Throws<ObjectDisposedException>(() => Call(disposed, static (map, bytes) => map.Pop(bytes)));
        Assert.Throws<ObjectDisposedException>(() => Call(disposed, static (map, bytes) => map.Peek(bytes)));
        Assert.Throws<ObjectDisposedException>(() => Call(disposed, static (map, bytes) => map.Write(null, bytes)));
        Assert.Equal(0, next.Count);
    }

    [Fact]
    public void A_queue_is_no_stack()
    {
        using var queue = new QueueMap<int>(new TreeOfThree().Leaf, capacity: 3);
        Assert.Throws<ArgumentException>(() => new StackMap<int>(queue.Map));
        Assert.Throws<ArgumentException>(() => new QueueMap<long>(queue.Map));
    }

    [Fact]
    public void What_many_threads_add_is_taken_once()
    {
        const int EachAdds = 10_000;
        using var queue = new QueueMap<int>(new TreeOfThree().Leaf, capacity: 64);
        int[] seen = new int[4 * EachAdds];
        int left = seen.Length;
        Crew.Run(threads: 8, thread =>
        {
            for (int i = 0; thread < 4 && i < EachAdds;)
            {
                if (queue.TryEnqueue((thread * EachAdds) + i)) i++;
                else Thread.Yield();
            }

            while (thread >= 4 && Volatile.Read(ref left) > 0)
            {
                if (queue.TryDequeue(out int value))
                {
                    Interlocked.Increment(ref seen[value]);
                    Interlocked.Decrement(ref left);
                }
                else
                {
                    Thread.Yield();
                }
            }
        });
        Assert.All(seen, static times => Assert.Equal(1, times));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void A_program_that_finds_nothing_gets_zeros()
    {
        using var queue = new QueueMap<int>(new TreeOfThree().Leaf, capacity: 3);
        int value = 5;
        Assert.Equal(MapErrors.NotFound, queue.Map.Pop((byte*)&value));
        Assert.Equal(0, value);
    }

    private static List<int> ValuesOf(QueueEnumerator<int> values)
    {
        List<int> all = [];
        while (values.MoveNext()) all.Add(values.Current);
        return all;
    }

    private delegate int CallOnQueue(QueueMap map, byte* value);

    private static void Call(QueueMap map, CallOnQueue call)
    {
        int value = 9;
        _ = call(map, (byte*)&value);
    }
}
