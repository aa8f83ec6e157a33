using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>A tree of counters, or groups, with leaves to charge.</summary>
internal abstract class ChargeTree
{
    /// <summary>What is charged to the root.</summary>
    public abstract long HeldBytes { get; }

    /// <summary>A loop that charges some of the leaves.</summary>
    public abstract ChargeLoop LoopOver(Range leaves);

    /// <summary>Gives back what the calling thread keeps for later, where nobody else can take it.</summary>
    public virtual void LeaveThread()
    {
    }
}

/// <summary>Charges some leaves, over and over. For one thread at a time.</summary>
internal abstract class ChargeLoop
{
    /// <summary>Charges and uncharges, leaf after leaf in turn.</summary>
    public abstract void Pairs(int count, long bytes);

    /// <summary>As <see cref="Pairs"/>, compiled into the loop. Of the first leaf.</summary>
    public virtual void InlinedPairs(int count, long bytes) => throw new NotSupportedException();

    /// <summary>Charges a leaf a number of times, then uncharges it as often; and all that again, leaf after leaf in
    /// turn.</summary>
    public abstract void Bursts(int count, int size, long bytes);

    /// <summary>Charges every leaf once.</summary>
    public abstract void ChargeEach(long bytes);

    /// <summary>Uncharges every leaf once.</summary>
    public abstract void UnchargeEach(long bytes);

    protected static BenchmarkException Refused() => new("A charge was refused, far below every limit.");
}
