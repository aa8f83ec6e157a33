// The plugin protocol of the public suite bpf_conformance. Its runner starts one process for each test, gives it the
// memory as the first argument if the test has any, and the program on standard input, each as bytes in hexadecimal. An
// empty argument is no memory. What is not an exit of the program is a non-zero exit of the process.

using System.CommandLine;
using System.Globalization;
using Allot.Bpf;
using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>The conformance subcommand.</summary>
internal static class ConformanceCommand
{
    public static Command Create()
    {
        var memory = new Argument<string[]>("memory") { Arity = ArgumentArity.ZeroOrMore };
        var program = new Option<string?>("--program");
        var elf = new Option<bool>("--elf");
        var interpret = new Option<bool>("--interpret");
        var debug = new Option<bool>("--debug");
        var command = new Command("conformance", "The plugin of the suite bpf_conformance.")
        {
            memory, program, elf, interpret, debug,
        };
        command.SetAction(parsed => BpfFailure.Guard(() => Run(
            string.Concat(parsed.GetValue(memory) ?? []),
            parsed.GetValue(program) ?? ReadInput(),
            parsed.GetValue(elf),
            parsed.GetValue(interpret))));
        return command;
    }

    private static string ReadInput()
    {
        using var input = new StreamReader(StandardInput.Open());
        return input.ReadToEnd();
    }

    private static int Run(string memoryText, string programText, bool isElf, bool interprets)
    {
        if (HexBytes.TryParse(memoryText) is not { } memory)
        {
            return BpfFailure.Say("the memory is not bytes in hexadecimal.");
        }

        if (HexBytes.TryParse(programText) is not { } bytes)
        {
            return BpfFailure.Say("the program is not bytes in hexadecimal.");
        }

        return Run(memory, bytes, isElf, interprets);
    }

    // What the suite calls valid is valid: what is proven of other programs before they run is a fault of the run here.
    private static int Run(byte[] memory, byte[] bytes, bool isElf, bool interprets)
    {
        MemoryGroup group = new MemoryController().Root;
        BpfObject? found = isElf ? BpfObject.Read(bytes) : null;
        IReadOnlyList<GroupMap> maps = found?.CreateMaps(group) ?? [];
        try
        {
            ReadOnlySpan<byte> instructions = found is null ? bytes : found.Find().Instructions.Span;
            using BpfProgram program = BpfProgram.Load(group, instructions, new BpfProgramOptions
            {
                Maps = maps,
                Verification = BpfVerification.Structure,
                Engine = interprets ? BpfEngine.Interpreter : BpfEngine.Automatic,
            });
            Console.Out.WriteLine(program.Run(memory).ToString("x", CultureInfo.InvariantCulture));
            return ExitCode.Success;
        }
        finally
        {
            foreach (GroupMap map in maps) map.Dispose();
        }
    }
}
