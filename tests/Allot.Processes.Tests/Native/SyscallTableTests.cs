using System.Globalization;
using System.Text.RegularExpressions;
using Allot.Processes.Native;

namespace Allot.Processes.Tests.Native;

public sealed partial class SyscallTableTests
{
    [Theory]
    [InlineData("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", false)]
    [InlineData("/usr/include/asm-generic/unistd.h", true)]
    public void Numbers_agree_with_the_kernel_headers(string header, bool isArm64)
    {
        Assert.SkipUnless(File.Exists(header), $"{header} is not installed");
        Dictionary<string, int> expected = ReadHeader(header);
        SyscallTable table = isArm64 ? SyscallTable.Arm64 : SyscallTable.X64;

        // Younger than the headers of some systems.
        string[] mayBeMissing = ["setxattrat", "open_tree_attr"];
        foreach (string name in SyscallTable.X64.Names.Union(SyscallTable.Arm64.Names))
        {
            bool known = table.TryGetNumber(name, out int number);
            if (!expected.TryGetValue(name, out int wanted))
            {
                Assert.True(!known || mayBeMissing.Contains(name), $"{name} is {number} here and absent in {header}");
                continue;
            }
            Assert.True(known, $"{name} is {wanted} in {header} and absent here");
            Assert.True(wanted == number, $"{name} is {wanted} in {header} and {number} here");
        }
    }

    [Fact]
    public void Names_and_numbers_lead_back_to_each_other()
    {
        foreach (SyscallTable table in new[] { SyscallTable.X64, SyscallTable.Arm64 })
        {
            foreach (string name in table.Names)
            {
                Assert.True(table.TryGetNumber(name, out int number));
                Assert.Equal(name, table.NameOf(number));
            }
            Assert.Null(table.NameOf(-1));
            Assert.Null(table.NameOf(100_000));
        }
    }

    [Fact]
    public void Arm64_has_none_of_the_calls_that_others_replaced()
    {
        foreach (string name in new[] { "fork", "vfork", "mkdir", "mknod", "symlink", "link", "open", "creat", "pipe" })
        {
            Assert.True(SyscallTable.X64.TryGetNumber(name, out _), name);
            Assert.False(SyscallTable.Arm64.TryGetNumber(name, out _), name);
        }
    }

    private static Dictionary<string, int> ReadHeader(string path)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Match match in Definition().Matches(File.ReadAllText(path)))
        {
            numbers[match.Groups[1].Value] = int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
        }
        return numbers;
    }

    [GeneratedRegex(@"^#define __NR(?:3264)?_(\w+)\s+(\d+)", RegexOptions.Multiline)]
    private static partial Regex Definition();
}
