using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Pins;

/// <summary>One way to lock or pin, done over and over: one number of the page.</summary>
/// <param name="Name">Its name in the tables.</param>
/// <param name="Make">Makes the loop of one thread: does it a number of times.</param>
internal sealed record PinCase(string Name, Func<Action<int>> Make)
{
    /// <summary>How many threads do it at the same time, each in its own loop.</summary>
    public int Threads { get; init; } = 1;

    public Work ToWork()
    {
        Action<int>[] loops = [.. Enumerable.Range(0, Threads).Select(_ => Make())];
        return new Work(ToString(), Threads, (thread, count) => loops[thread](count)) { MayAllocate = true };
    }

    public override string ToString() => $"{Name}, {Threads} threads";
}
