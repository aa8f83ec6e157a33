namespace Allot.Maps;

/// <summary>What all types of maps check and round when they are made.</summary>
internal static unsafe class MapShape
{
    /// <summary>NUMA_NODE, ZERO_SEED, RDONLY, WRONLY and INNER_MAP: known to all, and of no effect where they have no
    /// meaning in one process.</summary>
    public const uint CommonFlags = 0x4 | 0x8 | 0x10 | 0x40 | 0x1000;

    private const int SizeMax = 1 << 30;

    public static long Rounded(long bytes) => (bytes + 7) & ~7L;

    public static void Check(MapDefinition definition, bool holds, string rule)
    {
        if (!holds) throw Refuse(definition, rule);
        if (definition.Capacity < 1) throw Refuse(definition, "it has room for one element at least");
        if (definition.ValueBytes is < 1 or > SizeMax) throw Refuse(definition, $"a value has 1 to {SizeMax} bytes");
    }

    public static void CheckFlags(MapDefinition definition, uint known)
    {
        uint unknown = definition.Flags & ~known;
        if (unknown != 0) throw Refuse(definition, $"the flags 0x{unknown:x} do not exist for this type");
    }

    public static byte* AllocateZeroed(MemoryGroup group, MapDefinition definition, long bytes)
    {
        if (bytes > MemoryGroup.MaxChargeBytes) throw Refuse(definition, $"{bytes} bytes are too many");
        byte* block = group.Allocator(MemoryKind.Kernel).Allocate((nuint)bytes);
        Zero(block, bytes);
        return block;
    }

    private static void Zero(byte* block, long bytes)
    {
        const int PieceBytes = 1 << 30;
        for (; bytes > 0; bytes -= PieceBytes, block += PieceBytes)
        {
            new Span<byte>(block, (int)long.Min(bytes, PieceBytes)).Clear();
        }
    }

    public static MapRefusedException Refuse(MapDefinition definition, string rule) =>
        new($"map '{definition.Name}' of type {definition.Type}: {rule}");
}
