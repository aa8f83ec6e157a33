using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Maps;

/// <summary>The trace that a program keeps is the chain of calls that led there, the innermost first.</summary>
public sealed class StackTraceHelperTests
{
    private const int KeepTrace = 27;

    [Fact]
    public void Functions_that_called_each_other()
    {
        Asm program = new Asm().CallLocal("f").Exit()
            .Label("f").Move(6, 0).CallLocal("g").Exit()
            .Label("g").Map(2, 0).Move(3, 0).Call(KeepTrace).Exit();
        AssertTrace(program, 8, 3, 0);
    }

    [Fact]
    public void Without_functions_there_is_one() =>
        AssertTrace(new Asm().Map(2, 0).Move(3, 0).Call(KeepTrace).Exit(), 3);

    [Fact]
    public void Some_may_be_left_out()
    {
        Asm program = new Asm().CallLocal("f").Exit().Label("f").Map(2, 0).Move(3, 1).Call(KeepTrace).Exit();
        AssertTrace(program, 0);
    }

    [Fact]
    public void Functions_that_helpers_called()
    {
        Asm program = new Asm().Register(BpfOp.Store64, 10, 1, -8).Number(BpfOp.Store64, 10, 0, -16)
            .Move(1, 1).Function(2, "f").Copy(3, 10).Number(BpfOp.Add64, 3, -16).Move(4, 0).Call(181)
            .Register(BpfOp.Load64, 0, 10, -16).Exit()
            .Label("f").Copy(6, 2).Register(BpfOp.Load64, 1, 2, 8).CallLocal("g").Register(BpfOp.Store64, 6, 0).Move(0, 0).Exit()
            .Label("g").Map(2, 0).Move(3, 0).Call(KeepTrace).Exit();
        AssertTrace(program, 20, 13, 8);
    }

    private static void AssertTrace(Asm program, params ulong[] expected)
    {
        foreach (BpfEngine engine in Engines.All)
        {
            MemoryGroup group = new MemoryController().Root;
            using var traces = (StackTraceMap)GroupMap.Create(group, new MapDefinition
            {
                Name = "traces",
                Type = MapType.StackTrace,
                KeyBytes = 4,
                ValueBytes = 64,
                Capacity = 4,
            });
            using var loaded = BpfProgram.Load(
                group, program.Bytes(), new BpfProgramOptions { Maps = [traces], Engine = engine });
            var number = (int)loaded.Run([]);
            Span<ulong> frames = new ulong[8];
            Assert.True(traces.TryGetTrace(number, frames, out int count), $"{number}");
            Assert.Equal(expected, frames[..count].ToArray());
        }
    }
}
