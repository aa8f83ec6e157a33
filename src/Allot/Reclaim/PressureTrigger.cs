using System.Globalization;

namespace Allot;

/// <summary>How much stall in which time is worth being told of: see <c>WatchPressure</c>.</summary>
/// <remarks>The rules are those of Linux: a window of 500 milliseconds to 10 seconds, and a stall of more than 0 and at
/// most the window.</remarks>
public readonly record struct PressureTrigger
{
    private static readonly TimeSpan s_windowMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_windowMax = TimeSpan.FromSeconds(10);

    /// <summary>Which stall time. Default: <see cref="PressureKind.Some"/>.</summary>
    public PressureKind Kind { get; init; }

    /// <summary>How much stall time within any <see cref="Window"/> triggers.</summary>
    public required TimeSpan Stall { get; init; }

    /// <summary>How far back to look: 500 milliseconds to 10 seconds.</summary>
    public required TimeSpan Window { get; init; }

    /// <summary>Reads what is written to the kernel's <c>memory.pressure</c>: <c>some 150000 1000000</c>, the kind, the
    /// stall and the window in microseconds.</summary>
    /// <exception cref="FormatException">The text is not of that form, or against the rules; the message says which.
    /// </exception>
    public static PressureTrigger Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        bool isForm = words is ["some" or "full", _, _];
        if (!isForm || !TryReadMicroseconds(words[1], out TimeSpan stall)
            || !TryReadMicroseconds(words[2], out TimeSpan window))
        {
            throw new FormatException(
                "A pressure trigger is 'some' or 'full', the stall and the window in microseconds: "
                + "some 150000 1000000.");
        }

        PressureKind kind = words[0] == "full" ? PressureKind.Full : PressureKind.Some;
        var trigger = new PressureTrigger { Kind = kind, Stall = stall, Window = window };
        return trigger.FindProblem() is { } problem ? throw new FormatException(problem) : trigger;
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Kind == PressureKind.Full ? "full" : "some")} {Microseconds(Stall)} {Microseconds(Window)}");

    internal void Validate(string parameter)
    {
        if (FindProblem() is { } problem) throw new ArgumentOutOfRangeException(parameter, problem);
    }

    private string? FindProblem()
    {
        if (Kind is not (PressureKind.Some or PressureKind.Full)) return "The kind of pressure is Some or Full.";
        if (Window < s_windowMin || Window > s_windowMax)
        {
            return $"The window of a pressure trigger is 500 ms to 10 s; this one is {Milliseconds(Window)} ms.";
        }

        if (Stall > TimeSpan.Zero && Stall <= Window) return null;
        return "The stall of a pressure trigger is more than 0 and at most its window; this one is "
            + $"{Milliseconds(Stall)} ms of {Milliseconds(Window)} ms.";
    }

    private static bool TryReadMicroseconds(string word, out TimeSpan time)
    {
        bool isNumber = uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out uint microseconds);
        time = new TimeSpan(microseconds * TimeSpan.TicksPerMicrosecond);
        return isNumber;
    }

    private static long Microseconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static string Milliseconds(TimeSpan time) =>
        time.TotalMilliseconds.ToString("0.###", CultureInfo.InvariantCulture);
}
