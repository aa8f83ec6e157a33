using System.Diagnostics;
using System.Globalization;

namespace Allot.Stress;

/// <summary>How much work a stress test does. Work is counted, not timed: a slow machine takes longer and does the
/// same. </summary>
/// <remarks>ALLOT_STRESS_FACTOR multiplies the work (default 1); ALLOT_STRESS_SEED replays one seed. Threads interleave
/// as they like, so a seed repeats what each thread does, not in which order they meet. ALLOT_STRESS_SECONDS makes the
/// one test that has everything in it (MixStressTests) go on for that long, with that seed or a new one.</remarks>
internal static class Load
{
    public const int Workers = 4;

    public static int Operations(int once) => checked(once * Factor);

    public static IEnumerable<ulong> Seeds =>
        Environment.GetEnvironmentVariable("ALLOT_STRESS_SEED") is { Length: > 0 } seed
            ? [ulong.Parse(seed, CultureInfo.InvariantCulture)]
            : [1, 2, 3];

    /// <summary>The seeds of a test that can also go on for a given time: then it does so once.</summary>
    public static IEnumerable<ulong> SeedsOfTimed =>
        Seconds == 0 || SeedIsGiven ? Seeds : [(ulong)Stopwatch.GetTimestamp() % 1_000_000];

    /// <summary>How long it is to go on; 0 for a number of operations.</summary>
    public static int Seconds =>
        Environment.GetEnvironmentVariable("ALLOT_STRESS_SECONDS") is { Length: > 0 } seconds
            ? int.Parse(seconds, CultureInfo.InvariantCulture)
            : 0;

    private static bool SeedIsGiven => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("ALLOT_STRESS_SEED"));

    private static int Factor => Environment.GetEnvironmentVariable("ALLOT_STRESS_FACTOR") is { Length: > 0 } factor
        ? int.Parse(factor, CultureInfo.InvariantCulture)
        : 1;
}
