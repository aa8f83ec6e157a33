using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>All elements of a map, as text.</summary>
internal static unsafe class MapDump
{
    /// <summary>Writes a map that nobody uses any more: values without keys are taken out as they are written.
    /// </summary>
    public static void Write(TextWriter output, GroupMap map)
    {
        MapDefinition definition = map.Definition;
        output.WriteLine($"{definition.Name} ({definition.Type}, {map.Count} of {definition.Capacity}):");
        if (definition.KeyBytes == 0) WriteValues(output, map);
        else WriteElements(output, map);
    }

    private static void WriteElements(TextWriter output, GroupMap map)
    {
        byte[] key = new byte[map.Definition.KeyBytes];
        byte[] next = new byte[map.Definition.KeyBytes];
        fixed (byte* keyBytes = key, nextBytes = next)
        {
            byte* current = null;
            while (map.NextKey(current, nextBytes) == 0)
            {
                next.CopyTo(key, 0);
                current = keyBytes;
                byte* value = map.Lookup(current);
                if (value == null) continue;
                byte* ofProcessor = map.LookupOf(current, 0);
                output.WriteLine($"  {HexBytes.Format(key)}:{(ofProcessor == null ? $" {Text(map, value)}" : "")}");
                for (int processor = 0; ofProcessor != null; ofProcessor = map.LookupOf(current, ++processor))
                {
                    output.WriteLine($"    cpu {processor}: {Text(map, ofProcessor)}");
                }
            }
        }
    }

    // In the order in which they are taken. Of a Bloom filter nothing can be taken, and a ring has no values.
    private static void WriteValues(TextWriter output, GroupMap map)
    {
        byte[] value = new byte[map.Definition.ValueBytes];
        fixed (byte* bytes = value)
        {
            while (value.Length > 0 && map.Pop(bytes) == 0) output.WriteLine($"  {HexBytes.Format(value)}");
        }
    }

    private static string Text(GroupMap map, byte* value) =>
        HexBytes.Format(new ReadOnlySpan<byte>(value, (int)map.Definition.ValueBytes));
}
