using System.Text;
using Allot.Testing;

namespace Allot.Tests.Files;

/// <summary>Random text written to every file: it is taken or refused with the documented error, and never half.
/// </summary>
public sealed class FileFuzzTests
{
    private const int Writes = 3_000;

    private static readonly string[] s_pieces =
    [
        "max", "-1", "-", "+", "0", "1", "7", "4096", "9223372036854771712", "9223372036854775807",
        "18446744073709551616", "K", "m", "GiB", "iB", "T", "P", "E", ".", "1.5", "0x", "e3", " ", "\n", "\t", "\0",
        "junk", "swappiness=1", "some 150000 1000000", "\u0664", "\uFF14", "\uD83D", "\u001b[2J",
    ];

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    [Theory, MemberData(nameof(Seeds))]
    public void Random_text_is_taken_whole_or_not_at_all(ulong seed)
    {
        var random = new Prng(seed);
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        group.Charge(MemoryKind.Kernel, 4321);
        Assert.True(group.TryPin(PinKind.Pinned, 17, out _));
        int taken = 0;
        for (int i = 0; i < Writes; i++)
        {
            string name = random.Pick(group.Files.Names);
            string text = Text(random);
            string before = Snapshot(group);
            try
            {
                Assert.Equal(0, group.Files.Write(name, text));   // there is nothing to reclaim
                taken++;
                AssertReadsBack(group, name);
            }
            catch (GroupFileException e)
            {
                Assert.Equal((name, group), (e.FileName, e.Group));
                Assert.Contains($"'{name}' of '/a'", e.Message);
                Assert.DoesNotContain(e.Message, char.IsControl);
                Assert.Equal(before, Snapshot(group));
            }
        }

        Assert.InRange(taken, 1, Writes - 1);
    }

    private static void AssertReadsBack(MemoryGroup group, string name)
    {
        using GroupFile file = group.Files.Open(name);
        if (!file.CanRead) return;
        string read = file.Read();
        file.Write(read);
        Assert.Equal(read, group.Files.Read(name));
    }

    private static string Text(Prng random)
    {
        var text = new StringBuilder();
        for (int pieces = random.Below(5); pieces > 0; pieces--)
        {
            if (random.OneIn(6)) text.Append((char)random.Below(0x10000));
            else text.Append(random.Pick(s_pieces));
        }

        return text.ToString();
    }

    private static string Snapshot(MemoryGroup group)
    {
        var text = new StringBuilder();
        foreach (string name in group.Files.Names)
        {
            using GroupFile file = group.Files.Open(name);
            if (file.CanRead) text.Append(name).Append('\n').Append(file.Read());
        }

        return text.ToString();
    }
}
