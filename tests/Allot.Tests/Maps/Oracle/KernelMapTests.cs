using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Oracle;

/// <summary>Maps of random shapes, right and wrong, here and in the kernel of this machine: the same is refused, with
/// the same
/// error, and what is made shows the same memlock.</summary>
public sealed class KernelMapTests
{
    private const string Recorded = "6.18.";

    // Those that need types of the kernel (BTF), and those that no kernel of the profile has, are left out.
    private static readonly MapType[] s_types =
    [
        MapType.Hash, MapType.Array, MapType.ProgramArray, MapType.PerfEventArray, MapType.PerCpuHash,
        MapType.PerCpuArray, MapType.StackTrace, MapType.CgroupArray, MapType.LruHash, MapType.LruPerCpuHash,
        MapType.LpmTrie, MapType.ArrayOfMaps, MapType.HashOfMaps, MapType.DevMap, MapType.SockMap, MapType.CpuMap,
        MapType.XskMap, MapType.SockHash, MapType.CgroupStorage, MapType.ReuseportSockArray,
        MapType.PerCpuCgroupStorage, MapType.Queue, MapType.Stack, MapType.DevMapHash, MapType.RingBuffer,
        MapType.BloomFilter, MapType.UserRingBuffer, MapType.Arena,
    ];

    private static readonly long[] s_valueBytes =
        [0, 1, 4, 8, 12, 1016, 1024, 32767, 32768, 32769, 65407, 65408, 65536, 4194000, 4194304, 1L << 31];

    public static TheoryData<MapType> Types => [.. s_types];

    [Theory]
    [MemberData(nameof(Types))]
    public void The_kernel_of_this_machine_says_the_same(MapType type)
    {
        Assert.SkipUnless(KernelBpf.IsAvailable, "bpf(2) is not permitted here");
        Assert.SkipUnless(
            Environment.OSVersion.VersionString.Contains(Recorded, StringComparison.Ordinal),
            $"the profile is of Linux {Recorded}x");
        var profile = new KernelProfile { Processors = KernelBpf.Processors };
        int inner = KernelBpf.TryCreateMap((int)MapType.Array, 4, 8, 4);
        int made = 0, refused = 0;
        try
        {
            for (ulong seed = 1; seed <= 200; seed++)
            {
                MapDefinition shape = Shape(type, new Prng(seed));
                int kernel = KernelBpf.TryCreateMap(
                    (int)type,
                    (uint)shape.KeyBytes,
                    (uint)shape.ValueBytes,
                    (uint)shape.Capacity,
                    shape.Flags,
                    shape.MapExtra,
                    shape.InnerMap is null ? 0 : inner);
                if (kernel == MapErrors.NoMemory) continue;   // of this machine, not of the definition
                int error = ErrorOf(shape, profile);
                Assert.True(Math.Min(kernel, 0) == error, $"seed {seed}: {shape}: kernel {kernel}, here {error}");
                if (kernel < 0)
                {
                    refused++;
                    continue;
                }

                made++;
                long memlock = KernelBpf.MemlockOf(kernel);
                _ = KernelBpf.Close(kernel);
                long here = MemlockFormulas.Of(shape, count: 0, profile);
                Assert.True(memlock == here, $"seed {seed}: {shape}: kernel {memlock}, here {here}");
            }
        }
        finally
        {
            _ = KernelBpf.Close(inner);
        }

        Assert.True(made > 10 && refused > 10, $"{made} were made, {refused} refused");
    }

    private static int ErrorOf(MapDefinition shape, KernelProfile profile)
    {
        try
        {
            MapRules.Check(shape, profile);
            return MapErrors.None;
        }
        catch (MapRefusedException refused)
        {
            return refused.Error;
        }
    }

    // Mostly right, often wrong in one way, now and then in two.
    private static MapDefinition Shape(MapType type, Prng random)
    {
        MapDefinition shape = RightShape(type, random) with { Name = "random", Type = type };
        while (random.OneIn(2))
        {
            shape = random.Below(6) switch
            {
                0 => shape with { KeyBytes = random.Pick([0, 1, 3, 4, 5, 8, 16, 260, 261, 512, 513, 600]) },
                1 => shape with
                {
                    ValueBytes = random.Pick(s_valueBytes),
                    Capacity = Math.Min(shape.Capacity, 3),
                },
                2 => shape with { Capacity = random.Pick<long>([0, 1, 255, 256, 257, 4095, 4096, 12288]) },
                3 => shape with { Flags = shape.Flags ^ (1u << random.Below(20)) },
                4 => shape with { Flags = shape.Flags ^ (1u << random.Below(9)) },
                _ => shape with { MapExtra = (ulong)random.Pick([0, 1, 15, 16, 4096]) },
            };
        }

        // What names another object, which is not there.
        const uint Handles = 0x4 | 0x4000 | 0x8000 | 0x10000;
        return shape with { Flags = shape.Flags & ~Handles };
    }

    private static MapDefinition RightShape(MapType type, Prng random)
    {
        int bytes = 1 + random.Below(300), n = 1 + random.Below(3000);
        var handles = new MapDefinition { KeyBytes = 4, ValueBytes = 4, Capacity = n };
        return type switch
        {
            MapType.Hash or MapType.PerCpuHash or MapType.LruHash or MapType.LruPerCpuHash => handles with
            {
                KeyBytes = 1 + random.Below(100),
                ValueBytes = bytes,
                Flags = (type is MapType.Hash or MapType.PerCpuHash, random.Below(3)) switch
                {
                    (true, 0) => MapFlags.NoPreallocation,
                    (false, 0) => MapFlags.NoCommonLru,
                    (_, 1) => MapFlags.ZeroSeed,
                    _ => 0u,
                },
            },
            MapType.Array or MapType.PerCpuArray => handles with
            {
                ValueBytes = bytes,
                Flags = type == MapType.Array && random.OneIn(3) ? MapFlags.Mappable : 0,
            },
            MapType.StackTrace => handles with { ValueBytes = 8 * (1 + random.Below(127)) },
            MapType.LpmTrie => handles with
            {
                KeyBytes = 5 + random.Below(256),
                ValueBytes = bytes,
                Flags = MapFlags.NoPreallocation,
            },
            MapType.ArrayOfMaps => handles with { InnerMap = OracleRows.Inner },
            MapType.HashOfMaps => handles with { KeyBytes = 1 + random.Below(64), InnerMap = OracleRows.Inner },
            MapType.CpuMap => handles with { Capacity = 1 + random.Below(256) },
            MapType.SockHash => handles with { KeyBytes = 1 + random.Below(512) },
            MapType.ReuseportSockArray => handles with { ValueBytes = random.Pick([4, 8]) },
            MapType.CgroupStorage or MapType.PerCpuCgroupStorage => handles with
            {
                KeyBytes = random.Pick([8, 16]),
                ValueBytes = bytes,
                Capacity = 0,
            },
            MapType.Queue or MapType.Stack => handles with { KeyBytes = 0, ValueBytes = bytes },
            MapType.RingBuffer or MapType.UserRingBuffer => handles with
            {
                KeyBytes = 0,
                ValueBytes = 0,
                Capacity = 4096L << random.Below(8),
            },
            MapType.BloomFilter => handles with
            {
                KeyBytes = 0,
                ValueBytes = bytes,
                MapExtra = (ulong)random.Below(16),
            },
            MapType.Arena => handles with { KeyBytes = 0, ValueBytes = 0, Flags = MapFlags.Mappable },
            _ => handles,
        };
    }
}
