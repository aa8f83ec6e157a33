using System.Buffers.Binary;
using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Elf;

/// <summary>Programs in C, compiled by clang: loaded, verified, and run by both engines with what C would give.</summary>
public sealed class ClangTests
{
    private static readonly string[] s_cpus = ["v1", "v2", "v3"];

    [Fact]
    public void Adds_the_bytes_of_its_memory() =>
        Each("sum", run => Assert.Equal(64ul * 65 / 2, run.Run([.. Enumerable.Range(1, 64).Select(n => (byte)n)])));

    [Fact]
    public void Counts_in_an_array() => Each("count", run =>
    {
        Assert.Equal(4ul, run.Run([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 1, 1, 1]));
        Assert.Equal(7ul, run.Value(0, 1));
        Assert.Equal(3ul, run.Value(0, 2));
        Assert.Equal(0ul, run.Value(0, 5));
    });

    [Fact]
    public void Keeps_sessions_in_a_hash_map() => Each("sessions", run =>
    {
        byte[] request = new byte[16];
        request[0] = 7;
        request[8] = 100;
        Assert.Equal(0ul, run.Run(request));
        Assert.Equal(2ul, run.Run(request));
        Assert.Equal(1, run.Maps[0].Count);
        request[12] = 1;
        Assert.Equal(0ul, run.Run(request));
        Assert.Equal(-2, (long)run.Run(request));
        Assert.Equal(ulong.MaxValue, run.Run([]));
    });

    [Fact]
    public void Has_variables() => Each("globals", run =>
    {
        Assert.Equal(1000ul + 5 + 20, run.Run([]));
        Assert.Equal(2000ul + 7 + 30, run.Run([]));
    });

    [Fact]
    public void Calls_functions() => Each("functions", run => Assert.Equal(385_014ul, run.Run([])));

    [Fact]
    public void Parses_a_packet() => Each("packet", run =>
    {
        byte[] packet = new byte[34];
        (packet[12], packet[14 + 9], packet[14 + 15]) = (8, 6, 9);
        Assert.Equal(1000ul + 6000 + 9, run.Run(packet));
        Assert.Equal(3ul, run.Run(packet[..33]));
        Assert.Equal(1ul, run.Run(packet[..13]));
        packet[13] = 1;
        Assert.Equal(2ul, run.Run(packet));
    });

    [Fact]
    public void Prints() => Each("trace", run =>
    {
        Assert.Equal(0ul, run.Run([1, 2]));
        Assert.Equal(["length 2, twice 4, hex 2"], run.Lines);
    });

    [Fact]
    public void Goes_on_with_another_program() => Each("tail", run =>
    {
        Assert.Equal(5ul, run.Run([1, 2, 3]));
        using BpfProgram second = run.Load("prog/second");
        ((BpfProgramArray)run.Maps[0]).Set(1, second);
        Assert.Equal(103ul, run.Run([1, 2, 3]));
        using BpfProgram first = run.Load("prog/first");
        ((BpfProgramArray)run.Maps[0]).Set(1, first);   // itself, until the limit
        Assert.Equal(5ul, run.Run([]));
    });

    [Fact]
    public void Computes_with_signs() => Each("signed", run =>
    {
        byte[] memory = new byte[24];
        (long a, long b, int c, int d) = (-1_000_003, 17, -5, 9);
        BinaryPrimitives.WriteInt64LittleEndian(memory, a);
        BinaryPrimitives.WriteInt64LittleEndian(memory.AsSpan(8), b);
        BinaryPrimitives.WriteInt32LittleEndian(memory.AsSpan(16), c);
        BinaryPrimitives.WriteInt32LittleEndian(memory.AsSpan(20), d);
        long result = (a >> 3) - (b << 2);
        if (c < d) result ^= (long)c * d;
        if (a > b) result += (uint)c >> 4;
        if ((int)a <= -1) result -= c >> 1;
        result += (long)((ulong)a / ((ulong)b | 1)) + ((uint)c % ((uint)d | 1));
        Assert.Equal((ulong)result, run.Run(memory));
    });

    [Fact]
    public void Sorts_on_the_stack() => Each("sort", run =>
    {
        uint[] numbers = [9, 3, 7, 1, 8, 2, 6, 4, 5, 0, 15, 11, 13, 12, 14, 10];
        byte[] memory = [.. numbers.SelectMany(BitConverter.GetBytes)];
        Assert.Equal(0ul, run.Run(memory));
        Assert.Equal([.. Enumerable.Range(0, 16).SelectMany(BitConverter.GetBytes)], memory);
    });

    [Fact]
    public void Knows_maps_as_they_were_before_btf() => Each("old", run =>
    {
        Assert.Equal(5ul, run.Run([]));
        Assert.Equal(12ul, run.Run([]));
        Assert.Equal(["ages", "users"], run.Maps.Take(2).Select(map => map.Definition.Name));
    });

    [Fact]
    public void Makes_a_checksum() => Each("hash", run =>
    {
        byte[] memory = [.. Enumerable.Range(0, 128).Select(n => (byte)(n * 7))];
        ulong state = 0x9e3779b97f4a7c15;
        for (int index = 0; index < 16; index++)
        {
            state = ulong.RotateLeft(state ^ BitConverter.ToUInt64(memory, 8 * index), 23) * 0xff51afd7ed558ccd;
        }

        Assert.Equal(state ^ (state >> 33), run.Run(memory));
    });

    [Fact]
    public void What_is_unsafe_is_refused_with_the_line()
    {
        BpfObject unsafeObject = BpfObject.Read(Clang.Compile("unsafe"));
        BpfRefusedException refused = Assert.Throws<BpfRefusedException>(() =>
            BpfProgram.Load(new MemoryController().Root, unsafeObject.Find().Instructions.Span));
        Assert.Equal(
            "instruction 2 (r0 = *(u8 *)(r1 + 8)), r1: reads 1 bytes at 8 of the memory of the run, as far as is known, "
            + "which goes from 0 to 8",
            refused.Message);
    }

    [Fact]
    public void A_damaged_object_is_refused_and_nothing_else()
    {
        byte[] bytes = Clang.Compile("sessions");
        var random = new Allot.Testing.Prng(1);
        for (int round = 0; round < 3_000; round++)
        {
            byte[] damaged = [.. bytes];
            for (int change = random.Below(4); change >= 0; change--) damaged[random.Below(damaged.Length)] = (byte)random.Next();
            if (random.OneIn(5)) damaged = damaged[..random.Below(damaged.Length)];
            Exception? failure = Record.Exception(() => BpfObject.Read(damaged));
            Assert.True(failure is null or BpfRefusedException, $"round {round}: {failure}");
        }
    }

    private static void Each(string name, Action<ObjectRun> test) => Each(name, s_cpus, test);

    private static void Each(string name, string[] cpus, Action<ObjectRun> test)
    {
        foreach (string cpu in cpus)
        {
            foreach (BpfEngine engine in Engines.All)
            {
                using var run = new ObjectRun(BpfObject.Read(Clang.Compile(name, cpu)), engine);
                test(run);
            }
        }
    }
}
