using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Issues;

/// <summary>The value that a new element of a storage begins with is 0 or the address of initialised memory, as the
/// kernel wants it. Taken as it comes, a verified program reads addresses of the host, what others have left in the
/// stack, and fails when it gives a number.</summary>
public sealed class StorageFirstValueTests
{
    private const int TaskStorageGet = 156, Create = 1;

    [Fact]
    public void A_number_is_refused() => AssertRefused(new Asm().Move(3, 12345));

    [Fact]
    public void Memory_that_was_not_written_is_refused() =>
        AssertRefused(new Asm().Copy(3, 10).Number(BpfOp.Add64, 3, -8));

    [Fact]
    public void An_address_in_the_stack_is_no_value() =>
        AssertRefused(new Asm().Register(BpfOp.Store64, 10, 10, -8).Copy(3, 10).Number(BpfOp.Add64, 3, -8));

    [Fact]
    public void A_number_in_the_stack_is_what_a_value_begins_with()
    {
        Asm begin = new Asm().Number(BpfOp.Store64, 10, 7, -8).Copy(3, 10).Number(BpfOp.Add64, 3, -8);
        Assert.Equal(7ul, Run(begin));
    }

    [Fact]
    public void Without_one_it_begins_with_0() => Assert.Equal(0ul, Run(new Asm().Move(3, 0)));

    private static void AssertRefused(Asm begin) => Assert.Throws<BpfRefusedException>(() => Run(begin));

    private static ulong Run(Asm begin)
    {
        byte[] program = begin.Map(1, 0).Move(2, 0).Move(4, Create).Call(TaskStorageGet)
            .If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0).Label("end").Exit().Bytes();
        MemoryGroup group = new MemoryController().Root;
        using GroupMap storage = GroupMap.Create(group, new MapDefinition
        {
            Name = "storage",
            Type = MapType.TaskStorage,
            KeyBytes = 4,
            ValueBytes = 8,
            Flags = MapFlags.NoPreallocation,
        });
        using BpfProgram loaded = BpfProgram.Load(group, program, new BpfProgramOptions { Maps = [storage] });
        return loaded.Run([]);
    }
}
