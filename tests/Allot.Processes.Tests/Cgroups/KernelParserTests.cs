using System.Globalization;
using Allot.Processes.Cgroups;

namespace Allot.Processes.Tests.Cgroups;

/// <summary>What the kernel of this machine takes for a limit, next to what our file view takes: the same, or an error
/// where the kernel guesses, or one of the few spellings that we add.</summary>
public sealed class KernelParserTests
{
    private const long None = MemoryGroup.Unlimited;
    private const long Mi = 1 << 20;

    /// <summary>Text, what the kernel reads (before it floors to pages), what we read; null: refused.</summary>
    public static TheoryData<string, long?, long?> Texts => new()
    {
        // The same.
        { "0", 0, 0 },
        { "1", 1, 1 },
        { "4096", 4096, 4096 },
        { "4097", 4097, 4097 },   // it floors to pages, we keep bytes
        { "8k", 8192, 8192 },
        { "64K", 64 << 10, 64 << 10 },
        { "64m", 64 * Mi, 64 * Mi },
        { "1G", 1 << 30, 1 << 30 },
        { "2T", 2L << 40, 2L << 40 },
        { "3P", 3L << 50, 3L << 50 },
        { "7E", 7L << 60, 7L << 60 },
        { "0K", 0, 0 },
        { " 8192 ", 8192, 8192 },
        { "\t8192\n\n", 8192, 8192 },
        { "10junk", null, null },
        { "64MB", null, null },
        { "64Mi", null, null },
        { "1KK", null, null },
        { "8 192", null, null },
        { "+5", null, null },
        { "-2", null, null },
        { "-1M", null, null },
        { "1_000", null, null },
        { "1e3", null, null },
        { "08", null, null },
        { "MAX", null, null },
        { "٤", null, null },

        // It guesses, we refuse.
        { "\n", 0, null },                                // nothing is 0
        { "K", 0, null },                                 // a unit of nothing is 0
        { "010", 8, null },                               // octal
        { "0x10", 16, null },
        { "8192\0", 8192, null },                         // the rest is not looked at
        { "9223372036854775807", None, null },
        { "9223372036854775808", None, null },
        { "8E", None, null },
        { "18446744073709551615", None, null },
        { "18446744073709551616", 0, null },              // wraps: the largest amounts are none at all
        { "16E", 0, null },
        { "99999999999999999999999", 200376420520689663, null },

        // It refuses, we read.
        { "64MiB", null, 64 * Mi },
        { "1.5G", null, 3L << 29 },
        { "0.5K", null, 512 },
    };

    [Theory, MemberData(nameof(Texts))]
    public void A_limit_is_read_as_the_kernel_reads_it_or_refused(string text, long? kernel, long? ours)
    {
        using MemoryCgroup cgroup = CreateOrSkip();
        Assert.Equal(Floored(kernel), WriteKernel(cgroup, text));
        Assert.Equal(ours, WriteOurs(cgroup.Version, text));
        if (kernel is not null && ours is not null) Assert.Equal(kernel, ours);
    }

    [Theory]
    [InlineData("-1", 1)]
    [InlineData(" -1\n", 1)]
    [InlineData("max", 2)]
    [InlineData("max\n", 2)]
    public void No_limit_has_a_word_in_each_version(string text, int version)
    {
        using MemoryCgroup cgroup = CreateOrSkip();
        long? expected = cgroup.Version == version ? None : null;
        Assert.Equal(expected, WriteKernel(cgroup, text));
        for (int view = 1; view <= 2; view++) Assert.Equal(view == version ? None : null, WriteOurs(view, text));
    }

    [Fact]
    public void No_limit_is_read_as_the_kernel_writes_it()
    {
        using MemoryCgroup cgroup = CreateOrSkip();
        Assert.SkipUnless(cgroup.Version == 2 || Environment.SystemPageSize == 4096, "needs pages of 4 KiB");
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        Assert.Equal(File.ReadAllText(KernelFile(cgroup)), group.Files.Read(OurFile(cgroup.Version)));
    }

    private static MemoryCgroup CreateOrSkip()
    {
        try { return MemoryCgroup.Create("parser", needsKernelBytes: false); }
        catch (CgroupUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    private static string KernelFile(MemoryCgroup cgroup) =>
        $"{cgroup.Path}/{(cgroup.Version == 1 ? "memory.limit_in_bytes" : "memory.max")}";

    // Ours of version 1 limits kernel memory; its words are those of the limit of all memory.
    private static string OurFile(int version) => version == 1 ? "memory.kmem.limit_in_bytes" : "memory.max";

    /// <returns>What it reads afterwards; null when it refused.</returns>
    private static long? WriteKernel(MemoryCgroup cgroup, string text)
    {
        string file = KernelFile(cgroup);
        File.WriteAllText(file, "1M");
        try { File.WriteAllText(file, text); }
        catch (IOException)
        {
            Assert.Equal(Mi, Number(File.ReadAllText(file)));
            return null;
        }

        return Number(File.ReadAllText(file));
    }

    private static long? WriteOurs(int version, string text)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        string file = OurFile(version);
        group.Files.Write(file, "1M");
        try { group.Files.Write(file, text); }
        catch (GroupFileException e)
        {
            Assert.Equal(GroupFileError.InvalidText, e.Error);
            Assert.Equal("1048576\n", group.Files.Read(file));
            return null;
        }

        return version == 1 ? group.Kernel.MaxBytes : group.Memory.MaxBytes;
    }

    private static long Number(string text)
    {
        if (text == "max\n") return None;
        long number = long.Parse(text, CultureInfo.InvariantCulture);
        return number >= Pages(None) ? None : number;
    }

    private static long? Floored(long? bytes) => bytes is { } number and not None ? Pages(number) : bytes;

    private static long Pages(long bytes) => bytes / Environment.SystemPageSize * Environment.SystemPageSize;
}
