using Allot.Bpf.Tests.Support;
using Allot.Maps;
using Allot.Testing;
using Kernel = Allot.Testing.KernelBpf;

namespace Allot.Bpf.Tests.Maps;

/// <summary>An array of programs: its errors are those of the running kernel, and its group pays for what it takes.
/// </summary>
public sealed class ProgramArrayTests
{
    private const int Capacity = 2, TailCall = 12, NotFound = -2, BadHandle = -9;
    private const uint Nobodys = 0xffff_0000;

    private static readonly MapDefinition s_definition = new()
    {
        Name = "programs",
        Type = MapType.ProgramArray,
        KeyBytes = 4,
        ValueBytes = 4,
        Capacity = Capacity,
    };

    private static readonly byte[] s_seven = new Asm().Move(0, 7).Exit().Bytes();

    [Fact]
    public unsafe void It_answers_as_the_kernel()
    {
        Assert.SkipUnless(Kernel.IsAvailable, "bpf(2) is not permitted here");
        MemoryGroup group = new MemoryController().Root;
        using GroupMap ours = BpfMaps.Create(group, s_definition);
        using BpfProgram program = BpfProgram.Load(group, s_seven);
        int theirs = Kernel.TryCreateMap((int)MapType.ProgramArray, 4, 4, Capacity);
        int loaded = Kernel.Load([0x0000_0007_0000_00b7, 0x95]);
        try
        {
            Assert.True(theirs >= 0 && loaded >= 0, $"The kernel refuses: {theirs}, {loaded}.");
            uint[] kernelValues = [Nobodys, (uint)theirs, (uint)loaded];
            uint[] ourValues = [Nobodys, MapHandles.Of(ours), MapHandles.Of(program)];
            for (uint key = 0; key <= Capacity; key++)
            {
                for (int value = 0; value < kernelValues.Length; value++)
                {
                    for (ulong flags = 0; flags < 9; flags++)
                    {
                        uint ourValue = ourValues[value], kernelValue = kernelValues[value], any = 0;
                        string where = $"index {key}, value {value}, flags {flags}";
                        AssertSame(
                            Kernel.Element(Kernel.Update, theirs, &key, &kernelValue, flags),
                            ours.Write((byte*)&key, (byte*)&ourValue, flags),
                            $"update, {where}");
                        AssertSame(
                            Kernel.Element(Kernel.Lookup, theirs, &key, &any, flags),
                            ours.Read((byte*)&key, (byte*)&any, flags),
                            $"lookup, {where}");
                        AssertSame(
                            Kernel.Element(Kernel.LookupAndDelete, theirs, &key, &any),
                            ours.LookupAndDelete((byte*)&key, (byte*)&any),
                            $"take, {where}");
                        AssertSame(
                            Kernel.Element(Kernel.NextKey, theirs, &key, &any),
                            ours.NextKey((byte*)&key, (byte*)&any),
                            $"next, {where}");
                        if (flags % 2 != 0) continue;
                        AssertSame(
                            Kernel.Element(Kernel.Delete, theirs, &key, null),
                            ours.Remove((byte*)&key),
                            $"delete, {where}");
                    }
                }
            }
        }
        finally
        {
            _ = Kernel.Close(loaded);
            _ = Kernel.Close(theirs);
        }
    }

    [Fact]
    public unsafe void A_program_gets_there_by_its_number_until_its_owner_has_disposed_it()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        using (GroupMap array = BpfMaps.Create(group, s_definition))
        {
            BpfProgram program = BpfProgram.Load(group, s_seven);
            uint number = MapHandles.Of(program), read = 0;
            uint first = 0, second = 1;
            Assert.Equal(0, array.Write((byte*)&first, (byte*)&number));
            Assert.Equal(0, array.Read((byte*)&first, (byte*)&read));
            Assert.Equal(number, read);
            Assert.Equal(1, array.Count);
            program.Dispose();
            Assert.Equal(BadHandle, array.Write((byte*)&second, (byte*)&number));
            Assert.Equal(0, array.Remove((byte*)&first));
            Assert.Equal(BadHandle, array.Write((byte*)&first, (byte*)&number));
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Its_group_pays_for_it_while_8_threads_use_it_and_it_changes_its_owner()
    {
        MemoryGroup root = new MemoryController().Root;
        MemoryGroup before = root.CreateChild("before"), after = root.CreateChild("after");
        MemoryGroup tenant = root.CreateChild("tenant");
        MapDefinition definition = s_definition with { Capacity = 64 };
        var array = (BpfProgramArray)BpfMaps.Create(before, definition);
        long bytes = MapSizes.Of(definition).ChargedBytes;
        Assert.Equal(64 * sizeof(ulong), bytes);
        AssertPays(before, array, bytes);
        BpfProgram[] programs = [.. Enumerable.Range(0, 4).Select(_ => BpfProgram.Load(tenant, s_seven))];
        byte[] calls = new Asm().Register(BpfOp.Load8, 3, 1).Map(2, 0).Call(TailCall).Move(0, 1).Exit().Bytes();
        using (BpfProgram caller = BpfProgram.Load(
            tenant, calls, new BpfProgramOptions { Maps = [array], MemoryBytesMin = 1 }))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(
                () => Use(array, programs, caller, new Prng((ulong)thread + 1)), TaskCreationOptions.LongRunning)));
            AssertPays(before, array, bytes);
            array.TransferTo(after);
            AssertPays(after, array, bytes);
            Assert.Equal(0, before.Memory.CurrentBytes);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(
                () =>
                {
                    for (int i = 0; thread == 0 && i < 200; i++) array.TransferTo(i % 2 == 0 ? before : after);
                    if (thread != 0) Use(array, programs, caller, new Prng((ulong)thread));
                },
                TaskCreationOptions.LongRunning)));
            AssertPays(after, array, bytes);
            foreach (BpfProgram each in programs) each.Dispose();
            array.Dispose();
            AssertPays(after, array, bytes);   // the program that calls keeps it
        }

        Assert.Equal(0, root.Memory.CurrentBytes);
    }

    private static unsafe void Use(BpfProgramArray array, BpfProgram[] programs, BpfProgram caller, Prng random)
    {
        for (int i = 0; i < 2_000; i++)
        {
            uint index = (uint)random.Below(64);
            uint number = MapHandles.Of(programs[random.Below(programs.Length)]);
            switch (random.Below(5))
            {
                case 0: Assert.Equal(0, array.Write((byte*)&index, (byte*)&number)); break;
                case 1: array.Set((int)index, programs[random.Below(programs.Length)]); break;
                case 2: Assert.Contains(array.Remove((byte*)&index), new[] { 0, NotFound }); break;
                default: Assert.Contains(caller.Run([(byte)index]), new ulong[] { 1, 7 }); break;
            }
        }
    }

    private static void AssertPays(MemoryGroup group, GroupMap map, long bytes)
    {
        Assert.Same(group, map.Group);
        Assert.Equal(bytes, map.ChargedBytes);
        Assert.Equal(bytes, group.Kernel.CurrentBytes);
        Assert.Equal(bytes, group.Memory.CurrentBytes);
    }

    private static void AssertSame(int theirs, int ours, string where) =>
        Assert.True(theirs == ours, $"{where}: the kernel says {theirs}, we say {ours}");
}
