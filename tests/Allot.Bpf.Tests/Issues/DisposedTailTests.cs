using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>An array of programs keeps a program alive, also after its owner has disposed it: a tail call runs it. It
/// ended the whole run instead, by an exception in the helper.</summary>
public sealed class DisposedTailTests
{
    private const int TailCall = 12;

    [Theory]
    [InlineData(BpfEngine.Interpreter)]
    [InlineData(BpfEngine.Compiler)]
    public void A_program_that_its_owner_has_disposed_runs_until_it_is_taken_out_of_the_array(BpfEngine engine)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("tenant");
        using (BpfProgramArray programs = ProgramArrays.Create(group, capacity: 2))
        {
            long emptyBytes = group.Memory.CurrentBytes;
            BpfProgram second = BpfProgram.Load(
                group, new Asm().Move(0, 7).Exit().Bytes(), new BpfProgramOptions { Engine = engine });
            programs.Set(0, second);
            second.Dispose();
            Assert.Throws<ObjectDisposedException>(() => programs.Set(1, second));
            byte[] calls = new Asm().Map(2, 0).Move(3, 0).Call(TailCall).Move(0, 1).Exit().Bytes();
            using (BpfProgram first = BpfProgram.Load(
                group, calls, new BpfProgramOptions { Maps = [programs], Engine = engine }))
            {
                Assert.Equal(7ul, first.Run([]));
                programs.Set(0, null);
                Assert.Equal(1ul, first.Run([]));
            }

            Assert.Equal(emptyBytes, group.Memory.CurrentBytes);
        }

        Assert.Equal(0, group.Memory.CurrentBytes);
    }
}
