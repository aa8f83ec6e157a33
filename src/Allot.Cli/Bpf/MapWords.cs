using System.Globalization;
using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>Maps as people write them: types and flags by the names of Linux, numbers in decimal or with 0x.</summary>
internal static class MapWords
{
    /// <summary>The most processors that a figure is computed for.</summary>
    public const int ProcessorsMax = 1 << 16;

    private static readonly (string Name, MapType Type)[] s_types =
    [
        ("HASH", MapType.Hash), ("ARRAY", MapType.Array), ("PROG_ARRAY", MapType.ProgramArray),
        ("PERF_EVENT_ARRAY", MapType.PerfEventArray), ("PERCPU_HASH", MapType.PerCpuHash),
        ("PERCPU_ARRAY", MapType.PerCpuArray), ("STACK_TRACE", MapType.StackTrace),
        ("CGROUP_ARRAY", MapType.CgroupArray), ("LRU_HASH", MapType.LruHash),
        ("LRU_PERCPU_HASH", MapType.LruPerCpuHash), ("LPM_TRIE", MapType.LpmTrie),
        ("ARRAY_OF_MAPS", MapType.ArrayOfMaps), ("HASH_OF_MAPS", MapType.HashOfMaps), ("DEVMAP", MapType.DevMap),
        ("SOCKMAP", MapType.SockMap), ("CPUMAP", MapType.CpuMap), ("XSKMAP", MapType.XskMap),
        ("SOCKHASH", MapType.SockHash), ("CGROUP_STORAGE", MapType.CgroupStorage),
        ("REUSEPORT_SOCKARRAY", MapType.ReuseportSockArray), ("PERCPU_CGROUP_STORAGE", MapType.PerCpuCgroupStorage),
        ("QUEUE", MapType.Queue), ("STACK", MapType.Stack), ("SK_STORAGE", MapType.SocketStorage),
        ("DEVMAP_HASH", MapType.DevMapHash), ("STRUCT_OPS", MapType.StructOps), ("RINGBUF", MapType.RingBuffer),
        ("INODE_STORAGE", MapType.InodeStorage), ("TASK_STORAGE", MapType.TaskStorage),
        ("BLOOM_FILTER", MapType.BloomFilter), ("USER_RINGBUF", MapType.UserRingBuffer),
        ("CGRP_STORAGE", MapType.CgroupOwnedStorage), ("ARENA", MapType.Arena),
    ];

    private static readonly (string Name, uint Flag)[] s_flags =
    [
        ("NO_PREALLOC", MapFlags.NoPreallocation), ("NO_COMMON_LRU", MapFlags.NoCommonLru),
        ("NUMA_NODE", MapFlags.NumaNode), ("RDONLY", MapFlags.ReadOnly), ("WRONLY", MapFlags.WriteOnly),
        ("STACK_BUILD_ID", MapFlags.StackBuildId), ("ZERO_SEED", MapFlags.ZeroSeed),
        ("RDONLY_PROG", MapFlags.ReadOnlyForPrograms), ("WRONLY_PROG", MapFlags.WriteOnlyForPrograms),
        ("CLONE", MapFlags.Clone), ("MMAPABLE", MapFlags.Mappable), ("PRESERVE_ELEMS", MapFlags.PreserveElements),
        ("INNER_MAP", MapFlags.InnerMap), ("LINK", MapFlags.Link), ("SEGV_ON_FAULT", MapFlags.FaultInArena),
    ];

    /// <exception cref="FormatException">It is no type.</exception>
    public static MapType ParseType(string? text)
    {
        string all = string.Join(", ", s_types.Select(static each => each.Name));
        if (text is null) throw new FormatException($"--type is missing: one of {all}.");
        foreach ((string name, MapType type) in s_types)
        {
            if (name.Equals(text, StringComparison.OrdinalIgnoreCase)) return type;
        }

        throw new FormatException($"--type '{text}' is no type of map: one of {all}.");
    }

    public static string NameOf(MapType type) => s_types.First(each => each.Type == type).Name;

    /// <exception cref="FormatException">It is no number, or out of range.</exception>
    public static ulong ParseNumber(string option, string text, ulong most, ulong least = 0)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHex
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, culture, out ulong number)
            : ulong.TryParse(text, NumberStyles.None, culture, out number);
        if (isNumber && number >= least && number <= most) return number;
        throw new FormatException(
            string.Create(culture, $"{option} '{text}' is no whole number from {least} to {most}."));
    }

    /// <summary>A number, or names with commas or bars in between.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static uint ParseFlags(string text)
    {
        if (text.Length > 0 && char.IsAsciiDigit(text[0])) return (uint)ParseNumber("--flags", text, uint.MaxValue);
        uint flags = 0;
        foreach (string word in text.Split([',', '|']))
        {
            string name = word.Trim();
            uint flag = s_flags.FirstOrDefault(each => each.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Flag;
            if (flag == 0)
            {
                string all = string.Join(", ", s_flags.Select(static each => each.Name));
                throw new FormatException($"--flags '{text}': '{word}' is neither a number nor one of {all}.");
            }

            flags |= flag;
        }

        return flags;
    }

    /// <summary>The name of an error of Linux.</summary>
    public static string NameOfError(int error) => error switch
    {
        -7 => "E2BIG",
        -12 => "ENOMEM",
        -22 => "EINVAL",
        -34 => "ERANGE",
        -524 => "ENOTSUPP",
        _ => string.Create(CultureInfo.InvariantCulture, $"error {-error}"),
    };
}
