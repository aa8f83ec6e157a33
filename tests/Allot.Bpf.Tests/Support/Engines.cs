namespace Allot.Bpf.Tests.Support;

/// <summary>A program in every engine there is.</summary>
internal static class Engines
{
    public static readonly BpfEngine[] All = [BpfEngine.Interpreter, BpfEngine.Compiler];

    /// <summary>Runs a program that is not verified in every engine, and returns what all of them agree on: r0, and what
    /// is in the memory afterwards.</summary>
    public static (ulong Result, byte[] Memory) Run(byte[] program, byte[]? memory = null, BpfProgramOptions? options = null)
    {
        (ulong Result, byte[] Memory)? first = null;
        foreach (BpfEngine engine in All)
        {
            byte[] copy = [.. memory ?? []];
            options ??= new BpfProgramOptions { Verification = BpfVerification.Structure };
            options.Engine = engine;
            var tree = new MemoryController();
            ulong result;
            using (BpfProgram loaded = BpfProgram.Load(tree.Root, program, options)) result = loaded.Run(copy);
            Assert.Equal(0, tree.Root.Memory.CurrentBytes);
            first ??= (result, copy);
            Assert.Equal(first.Value.Result, result);
            Assert.Equal(first.Value.Memory, copy);
        }

        return first!.Value;
    }
}
