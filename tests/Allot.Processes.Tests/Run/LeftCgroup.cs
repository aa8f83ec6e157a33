using System.Globalization;

namespace Allot.Processes.Tests.Run;

/// <summary>The cgroup that a killed command leaves behind: found before, removed after.</summary>
internal static class LeftCgroup
{
    /// <summary>The memory cgroup of the program that runs under this process, as a directory.</summary>
    public static string OfChild(int pid)
    {
        string child = File.ReadAllText(Invariant($"/proc/{pid}/task/{pid}/children")).Split(' ')[0];
        string[] lines = File.ReadAllLines($"/proc/{child}/cgroup");
        string? v1 = lines.FirstOrDefault(static line => line.Split(':')[1] == "memory");
        string name = Path.GetFileName((v1 ?? lines.Single(static line => line.StartsWith("0::", StringComparison.Ordinal))).Split(':')[2]);
        Assert.StartsWith("allot-", name, StringComparison.Ordinal);
        return Directory.EnumerateDirectories("/sys/fs/cgroup", name, new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).Single();
    }

    /// <summary>Removes it once its last member has gone, if the next run has not done so.</summary>
    public static async Task RemoveAsync(string directory)
    {
        Assert.StartsWith("allot-", Path.GetFileName(directory), StringComparison.Ordinal);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            while (File.ReadAllText($"{directory}/cgroup.procs").Length > 0) await Task.Delay(20, patience.Token);
            Directory.Delete(directory);
        }
        catch (IOException) when (!Directory.Exists(directory))
        {
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
