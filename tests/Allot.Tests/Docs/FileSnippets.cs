namespace Allot.Tests.Docs;

/// <summary>The code blocks of the reference of the files, compiled and run.</summary>
public sealed class FileSnippets
{
    [Fact]
    public void Read_and_write_files()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");

        #region files
        acme.Files.Write("memory.max", "64M");
        Console.Write(acme.Files.Read("memory.max"));   // 67108864, and a newline

        using GroupFile peak = acme.Files.Open("memory.peak");
        peak.Write("0");                                // from here on: this handle's own peak
        acme.Charge(MemoryKind.User, 4097);
        Console.Write(peak.Read());                     // 4097

        foreach (string name in acme.Files.Names)
        {
            using GroupFile file = acme.Files.Open(name);
            if (file.CanRead) Console.Write($"{name}\n{file.Read()}");
        }
        #endregion

        Assert.Equal("4097\n", peak.Read());
        Assert.Equal(64 << 20, acme.Memory.MaxBytes);
    }

    [Fact]
    public void Reclaim_by_file()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");

        #region files-reclaim
        long freedBytes;
        try
        {
            freedBytes = acme.Files.Write("memory.reclaim", "16M");
        }
        catch (GroupFileException e) when (e.Error == GroupFileError.ReclaimedLess)
        {
            freedBytes = e.ReclaimedBytes;   // less than 16 MiB, and how much less
        }
        #endregion

        Assert.Equal(0, freedBytes);
    }
}
