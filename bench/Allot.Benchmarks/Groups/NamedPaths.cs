using System.Globalization;

namespace Allot.Benchmarks.Groups;

/// <summary>The paths of groups, parents first.</summary>
internal static class NamedPaths
{
    public static string[] Flat(int count) => [.. Enumerable.Range(0, count).Select(i => "/" + NameOf(i))];

    /// <summary>Level after level, each group with so many children.</summary>
    public static string[] Tree(int count, int wide)
    {
        string[] paths = new string[count];
        for (int i = 0; i < count; i++)
        {
            string parent = i < wide ? "" : paths[(i / wide) - 1];
            paths[i] = parent + "/" + NameOf(i % wide);
        }

        return paths;
    }

    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"tenant-{number}");
}
