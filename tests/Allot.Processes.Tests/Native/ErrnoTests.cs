using System.Globalization;
using System.Text.RegularExpressions;
using Allot.Processes.Native;

namespace Allot.Processes.Tests.Native;

public sealed partial class ErrnoTests
{
    [Theory]
    [InlineData("/usr/include/asm-generic/errno-base.h")]
    [InlineData("/usr/include/asm-generic/errno.h")]
    public void Names_agree_with_the_kernel_headers(string header)
    {
        Assert.SkipUnless(File.Exists(header), $"{header} is not installed");
        foreach (Match match in Definition().Matches(File.ReadAllText(header)))
        {
            int number = int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
            Assert.Equal(match.Groups[1].Value, Errno.Name(number));
        }
    }

    [Fact]
    public void An_unknown_number_is_its_own_name()
    {
        Assert.Equal("41", Errno.Name(41));
        Assert.Equal("9999", Errno.Name(9999));
        Assert.Equal("-1", Errno.Name(-1));
    }

    [Fact]
    public void Describe_says_it_in_words_and_by_name()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the words are those of the C library of Linux");
        Assert.Contains("(ENOMEM)", Errno.Describe(Errno.ENOMEM), StringComparison.Ordinal);
        Assert.Contains("memory", Errno.Describe(Errno.ENOMEM), StringComparison.OrdinalIgnoreCase);
    }

    [GeneratedRegex(@"^#define\s+(E\w+)\s+(\d+)\b", RegexOptions.Multiline)]
    private static partial Regex Definition();
}
