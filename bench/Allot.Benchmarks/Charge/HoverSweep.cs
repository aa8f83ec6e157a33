// Charges and uncharges at every fill level of a group, one amount after the other up to twice any reasonable batch and
// down again. Wherever a batch begins or ends, one of the steps lies across that edge, because a step is as wide as a
// charge. What is looked for is the worst step.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>The sweep of one subject, and its times.</summary>
internal sealed class HoverSweep(PinnedThreads threads, Subject subject, int steps)
{
    public const long Bytes = 64;
    public const int Depth = 5;

    private const int Pairs = 64, UntimedPairs = 4, PlainPairs = 10_000;

    private readonly ChargeTree _tree = subject.Plant(Depth, 1);
    private readonly List<double[]> _rounds = [];
    private readonly List<double> _plain = [];
    private ChargeLoop? _loop;

    public Subject Subject => subject;

    /// <summary>Nanoseconds of a pair while nothing is near an edge; the middle of all rounds.</summary>
    public double PlainNanoseconds => Quartiles.Of(_plain).Median;

    /// <summary>Nanoseconds of a pair at the middle step, and at the worst.</summary>
    public (double Middle, double Worst) Nanoseconds
    {
        get
        {
            double[] medians = [.. Enumerable.Range(0, 2 * steps).Select(step => At(step, static (ns, _) => ns).Median)];
            return (Quartiles.Of(medians).Median, medians.Max());
        }
    }

    /// <summary>The step with the largest ratio to the plain pair, and how many bytes were charged there.</summary>
    public (Quartiles Ratio, long Bytes) Worst
    {
        get
        {
            (Quartiles ratio, int step) = Enumerable.Range(0, 2 * steps)
                .Select(step => (Ratio: At(step, static (ns, plain) => ns / plain), Step: step))
                .MaxBy(static one => one.Ratio.Median);
            return (ratio, (step < steps ? step : (2 * steps) - 1 - step) * Bytes);
        }
    }

    /// <summary>The work that has to be warmed up.</summary>
    public Work WarmUp => new($"{subject.Name}, hovering", 1, (_, pairs) => Loop.Pairs(pairs, Bytes));

    private ChargeLoop Loop => _loop ??= _tree.LoopOver(0..1);

    /// <summary>Sweeps once up and down.</summary>
    public void Run()
    {
        double[] times = new double[2 * steps];
        double plain = 0;
        threads.Run(1, thread =>
        {
            for (int i = 0; i < 20; i++) _ = Measure(Pairs);   // what others did to the caches is not for the first step
            for (int i = 0; i < steps; i++)
            {
                times[i] = Measure(Pairs);
                Loop.ChargeEach(Bytes);
            }

            for (int i = steps; i < 2 * steps; i++)
            {
                Loop.UnchargeEach(Bytes);
                times[i] = Measure(Pairs);
            }

            // As all other cases do it: with some bytes charged that no batch ends at.
            Loop.ChargeEach(100_000);
            _ = Measure(PlainPairs / 8);
            plain = Measure(PlainPairs);
            Loop.UnchargeEach(100_000);
        });
        _rounds.Add(times);
        _plain.Add(plain);
    }

    /// <summary>Gives back what the thread keeps.</summary>
    /// <exception cref="BenchmarkException">Something else is left.</exception>
    public void GiveBack()
    {
        threads.Run(1, _ => _tree.LeaveThread());
        if (_tree.HeldBytes is not 0 and long left)
        {
            throw new BenchmarkException($"'{subject.Name}' does not balance after hovering: {left} bytes are left.");
        }
    }

    private Quartiles At(int step, Func<double, double, double> value) =>
        Quartiles.Of(_rounds.Zip(_plain, (times, plain) => value(times[step], plain)));

    // The clock itself takes as long as several pairs. Not inlined: a second copy of this code would be cold at first.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private double Measure(int pairs)
    {
        Loop.Pairs(UntimedPairs, Bytes);
        long before = Stopwatch.GetTimestamp();
        long start = Stopwatch.GetTimestamp();
        Loop.Pairs(pairs, Bytes);
        long end = Stopwatch.GetTimestamp();
        return Math.Max(0, end - start - (start - before)) * 1e9 / Stopwatch.Frequency / pairs;
    }
}
