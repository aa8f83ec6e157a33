using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Issues;

/// <summary>Numbers of <see cref="MapHandles"/> are small and easy to guess. What the verifier refuses, a program that was
/// not verified cannot do either: put the map, the program or the sink of another tenant into a map of its own, and read
/// it, run it or send to it from there.</summary>
public sealed unsafe class GuessedNumberTests
{
    private const int Lookup = 1, Update = 2, TailCall = 12;

    private readonly MemoryGroup _tenant = new MemoryController().Root.CreateChild("tenant");
    private readonly MemoryGroup _victim = new MemoryController().Root.CreateChild("victim");

    public static TheoryData<BpfEngine> Engines => [BpfEngine.Interpreter, BpfEngine.Compiler];

    [Theory, MemberData(nameof(Engines))]
    public void The_map_of_another_tenant_is_not_read_through_a_map_of_maps(BpfEngine engine)
    {
        var shape = new MapDefinition { Name = "i", Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 1 };
        using GroupMap secret = GroupMap.Create(_victim, shape);
        int first = 0;
        *(ulong*)secret.Lookup((byte*)&first) = 42;
        var outer = new MapDefinition
        {
            Name = "outer",
            Type = MapType.ArrayOfMaps,
            KeyBytes = 4,
            ValueBytes = 4,
            Capacity = 1,
            InnerMap = shape,
        };
        using GroupMap own = GroupMap.Create(_tenant, outer);
        byte[] program = UpdateWith((int)MapHandles.Of(secret)).Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Call(Lookup).If(BpfOp.Jeq64, 0, 0, "end").Copy(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4)
            .Call(Lookup).If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0).Label("end").Exit().Bytes();
        Assert.NotEqual(42ul, Run(own, program, engine));
        Assert.Equal(0, own.Count);
    }

    [Theory, MemberData(nameof(Engines))]
    public void The_program_of_another_tenant_is_not_run(BpfEngine engine)
    {
        using BpfProgram secret = BpfProgram.Load(_victim, new Asm().Move(0, 42).Exit().Bytes());
        using BpfProgramArray own = ProgramArrays.Create(_tenant);
        byte[] program = UpdateWith((int)MapHandles.Of(secret)).Copy(1, 6).Map(2, 0).Move(3, 0).Call(TailCall).Move(0, 7)
            .Exit().Bytes();
        Assert.NotEqual(42ul, Run(own, program, engine));
        Assert.Equal(0, own.Count);
    }

    private static Asm UpdateWith(int number) => new Asm().Copy(6, 1).Number(BpfOp.Store32, 10, 0, -4)
        .Number(BpfOp.Store32, 10, number, -8).Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Copy(3, 10)
        .Number(BpfOp.Add64, 3, -8).Move(4, 0).Call(Update);

    private ulong Run(GroupMap map, byte[] program, BpfEngine engine)
    {
        var options = new BpfProgramOptions
        {
            Maps = [map],
            Engine = engine,
            Verification = BpfVerification.Structure,
        };
        using BpfProgram loaded = BpfProgram.Load(_tenant, program, options);
        return loaded.TryRun([], out ulong result, out _) ? result : 0;
    }
}
