// Parses /proc/self/mountinfo. A line is:
//   36 35 98:0 ROOT MOUNTPOINT rw,noatime shared:1 master:2 - TYPE SOURCE rw,SUPEROPTIONS
// with any number of optional fields (also none) before the lone hyphen. Space, tab, line feed and backslash in a field
// are written as backslash and three octal digits.

using System.Text;

namespace Allot.Processes.Cgroups;

internal static class MountTable
{
    private const int RootField = 3, MountPointField = 4, OptionsField = 5, FirstOptionalField = 6;

    /// <summary>The cgroup mounts of the table that can be reached, in its order.</summary>
    /// <remarks>A mount hidden by a later one at the same place is left out.</remarks>
    internal static IReadOnlyList<CgroupMount> Parse(string mountInfo)
    {
        var mounts = new List<(string MountPoint, CgroupMount? Cgroup)>();
        foreach (string line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParseLine(line, out string mountPoint, out CgroupMount? cgroup)) continue;
            mounts.RemoveAll(earlier => IsAtOrBelow(earlier.MountPoint, mountPoint));
            mounts.Add((mountPoint, cgroup));
        }
        return [.. mounts.Select(mount => mount.Cgroup).OfType<CgroupMount>()];
    }

    private static bool TryParseLine(string line, out string mountPoint, out CgroupMount? cgroup)
    {
        mountPoint = "";
        cgroup = null;
        string[] fields = line.Split(' ');
        if (fields.Length <= FirstOptionalField) return false;
        int hyphen = Array.IndexOf(fields, "-", FirstOptionalField);
        if (hyphen < 0 || hyphen + 3 >= fields.Length) return false;

        mountPoint = Unescape(fields[MountPointField]);
        string type = fields[hyphen + 1];
        string superOptions = fields[hyphen + 3];
        if (type is not ("cgroup" or "cgroup2")) return true;
        bool readOnly = HasOption(fields[OptionsField], "ro") || HasOption(superOptions, "ro");
        bool version2 = type == "cgroup2";
        cgroup = new CgroupMount(
            mountPoint, Unescape(fields[RootField]), version2, version2 ? "" : superOptions, readOnly);
        return true;
    }

    private static bool HasOption(string options, string wanted) => options.Split(',').Contains(wanted);

    private static bool IsAtOrBelow(string path, string ancestor) =>
        path == ancestor || ancestor == "/" || path.StartsWith(ancestor + "/", StringComparison.Ordinal);

    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal)) return field;
        // Byte by byte, because an escape stands for a byte of UTF-8, not for a character.
        byte[] bytes = Encoding.UTF8.GetBytes(field);
        int written = 0;
        for (int read = 0; read < bytes.Length; read++)
        {
            if (bytes[read] == '\\' && read + 3 < bytes.Length && IsOctal(bytes.AsSpan(read + 1, 3)))
            {
                bytes[written++] =
                    (byte)(((bytes[read + 1] - '0') << 6) | ((bytes[read + 2] - '0') << 3) | (bytes[read + 3] - '0'));
                read += 3;
            }
            else
            {
                bytes[written++] = bytes[read];
            }
        }
        return Encoding.UTF8.GetString(bytes, 0, written);
    }

    private static bool IsOctal(ReadOnlySpan<byte> digits) => digits.IndexOfAnyExceptInRange((byte)'0', (byte)'7') < 0;
}
