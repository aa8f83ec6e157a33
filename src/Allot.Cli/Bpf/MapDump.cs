using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>All elements of a map, as text.</summary>
internal static unsafe class MapDump
{
    public static void Write(TextWriter output, GroupMap map)
    {
        MapDefinition definition = map.Definition;
        output.WriteLine($"{definition.Name} ({definition.Type}, {map.Count} of {definition.Capacity}):");
        byte[] key = new byte[definition.KeyBytes];
        byte[] next = new byte[definition.KeyBytes];
        fixed (byte* keyBytes = key, nextBytes = next)
        {
            byte* current = null;
            while (map.NextKey(current, nextBytes) == 0)
            {
                next.CopyTo(key, 0);
                current = keyBytes;
                byte* value = map.Lookup(current);
                if (value == null) continue;
                var bytes = new ReadOnlySpan<byte>(value, (int)definition.ValueBytes);
                output.WriteLine($"  {HexBytes.Format(key)}: {HexBytes.Format(bytes)}");
            }
        }
    }
}
