namespace Allot.Benchmarks.Runner;

/// <summary>Room for the thread-local variables of libraries that are loaded late: jemalloc wants more of it than glibc
/// keeps, unless a variable of the environment says so from the start of the process.</summary>
internal static class StaticTls
{
    private const string Variable = "GLIBC_TUNABLES", Setting = "glibc.rtld.optional_static_tls";

    /// <summary>Whether this process was started with it; its children inherit it.</summary>
    public static bool IsGiven => Given.Contains(Setting, StringComparison.Ordinal);

    private static string Given => Environment.GetEnvironmentVariable(Variable) ?? "";

    /// <summary>Adds it to the environment of a process that is about to start.</summary>
    public static void AddTo(IDictionary<string, string?> environment) =>
        environment[Variable] = Given.Length == 0 ? $"{Setting}=16384" : $"{Given}:{Setting}=16384";
}
