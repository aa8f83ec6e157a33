using System.Text;

namespace Allot.Processes.Tests.Vm;

// Writes an initramfs: the "newc" archive that the kernel unpacks as its first file system. A header of 110 ASCII
// characters (magic 070701, then 13 fields of 8 hexadecimal digits), the name with its zero byte, the data; name and
// data are padded to 4 bytes. Not compressed: unpacking costs more than reading under an emulated processor.
internal sealed class CpioWriter(Stream output) : IDisposable
{
    private const uint Directory = 0x4000;
    private const uint Regular = 0x8000;
    private readonly HashSet<string> _directories = [];
    private uint _inode;

    /// <summary>Adds a program (executable by all) and the directories above it. Paths are relative to the
    /// root.</summary>
    public void AddFile(string path, ReadOnlySpan<byte> content)
    {
        AddParents(path);
        Write(path, Regular | 0x1ED, content);   // 0755
    }

    public void AddFile(string path, string sourcePath) => AddFile(path, File.ReadAllBytes(sourcePath));

    public void AddDirectory(string path)
    {
        AddParents(path);
        if (_directories.Add(path)) Write(path, Directory | 0x1ED, []);
    }

    public void Dispose()
    {
        Write("TRAILER!!!", 0, []);
        output.Dispose();
    }

    private void AddParents(string path)
    {
        for (int slash = path.IndexOf('/'); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            if (_directories.Add(path[..slash])) Write(path[..slash], Directory | 0x1ED, []);
        }
    }

    private void Write(string name, uint mode, ReadOnlySpan<byte> content)
    {
        byte[] nameBytes = Encoding.UTF8.GetBytes(name + "\0");
        uint links = (mode & Directory) != 0 ? 2u : 1u;
        // inode, mode, uid, gid, links, mtime, size, device (2), device of a special file (2), name size, checksum
        uint[] fields = [++_inode, mode, 0, 0, links, 0, (uint)content.Length, 0, 0, 0, 0, (uint)nameBytes.Length, 0];
        output.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(field => field.ToString("x8")))));
        output.Write(nameBytes);
        Pad(110 + nameBytes.Length);
        output.Write(content);
        Pad(content.Length);
    }

    private void Pad(int written) => output.Write(new byte[-written & 3]);
}
