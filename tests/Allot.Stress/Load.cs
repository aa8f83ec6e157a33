using System.Globalization;

namespace Allot.Stress;

/// <summary>How much work a stress test does. Work is counted, not timed: a slow machine takes longer and does the
/// same. </summary>
/// <remarks>ALLOT_STRESS_FACTOR multiplies the work (default 1); ALLOT_STRESS_SEED replays one seed. Threads interleave
/// as they like, so a seed repeats what each thread does, not in which order they meet.</remarks>
internal static class Load
{
    public const int Workers = 4;

    public static int Operations(int once) => checked(once * Factor);

    public static IEnumerable<ulong> Seeds =>
        Environment.GetEnvironmentVariable("ALLOT_STRESS_SEED") is { Length: > 0 } seed
            ? [ulong.Parse(seed, CultureInfo.InvariantCulture)]
            : [1, 2, 3];

    private static int Factor => Environment.GetEnvironmentVariable("ALLOT_STRESS_FACTOR") is { Length: > 0 } factor
        ? int.Parse(factor, CultureInfo.InvariantCulture)
        : 1;
}
