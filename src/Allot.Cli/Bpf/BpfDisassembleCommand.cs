using System.CommandLine;
using Allot.Bpf;

namespace Allot.Cli.Bpf;

/// <summary>The disasm subcommand of bpf.</summary>
internal static class BpfDisassembleCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file");
        var section = new Option<string?>("--section");
        var command = new Command("disasm", "Show programs as text.") { file, section };
        command.SetAction(parsed => BpfFailure.Guard(() =>
        {
            foreach (BpfObjectProgram one in BpfFile.Read(parsed.GetValue(file)!).Choose(parsed.GetValue(section)))
            {
                if (one.Instructions.Length % BpfInstruction.Bytes != 0)
                {
                    return BpfFailure.Say($"a program is made of instructions of {BpfInstruction.Bytes} bytes.");
                }

                Console.Out.WriteLine($"{one.Section}: {one.Name}");
                Console.Out.Write(BpfDisassembler.Disassemble(one.Instructions.Span));
            }

            return ExitCode.Success;
        }));
        return command;
    }
}
