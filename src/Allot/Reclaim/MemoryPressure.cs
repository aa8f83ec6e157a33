using System.Globalization;

namespace Allot;

/// <summary>How much of the time was lost waiting for memory: a snapshot. Linux says pressure stall
/// information.</summary>
/// <remarks>Averages are in percent, 0 to 100, weighted towards the present, and move every 2 seconds; totals are
/// exact. A flow is a thread or an asynchronous method that charges the group or one below it.</remarks>
public readonly record struct MemoryPressure
{
    /// <summary>Time in which at least one flow waited, in percent of about the last 10 seconds.</summary>
    public double SomeAvg10 { get; init; }

    /// <summary>The same for 60 seconds.</summary>
    public double SomeAvg60 { get; init; }

    /// <summary>The same for 300 seconds.</summary>
    public double SomeAvg300 { get; init; }

    /// <summary>All time in which at least one flow waited.</summary>
    public TimeSpan SomeTotal { get; init; }

    /// <summary>Time in which every flow that charges waited, in percent of about the last 10 seconds.</summary>
    public double FullAvg10 { get; init; }

    /// <summary>The same for 60 seconds.</summary>
    public double FullAvg60 { get; init; }

    /// <summary>The same for 300 seconds.</summary>
    public double FullAvg300 { get; init; }

    /// <summary>All time in which every flow that charges waited.</summary>
    public TimeSpan FullTotal { get; init; }

    /// <summary>The text of the kernel's <c>memory.pressure</c>: two lines, with totals in microseconds. Allocates.
    /// </summary>
    public override string ToString() =>
        Line("some", SomeAvg10, SomeAvg60, SomeAvg300, SomeTotal)
        + Line("full", FullAvg10, FullAvg60, FullAvg300, FullTotal);

    private static string Line(string name, double avg10, double avg60, double avg300, TimeSpan total) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name} avg10={avg10:F2} avg60={avg60:F2} avg300={avg300:F2} "
            + $"total={total.Ticks / TimeSpan.TicksPerMicrosecond}\n");
}
