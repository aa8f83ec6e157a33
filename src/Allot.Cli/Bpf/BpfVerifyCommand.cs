using System.CommandLine;
using Allot.Bpf;
using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>The verify subcommand of bpf.</summary>
internal static class BpfVerifyCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file");
        var section = new Option<string?>("--section");
        var memoryBytes = new Option<int>("--memory-bytes");
        var command = new Command("verify", "Say whether programs are accepted, and if not, why.")
        {
            file, section, memoryBytes,
        };
        command.SetAction(parsed => BpfFailure.Guard(() =>
        {
            if (parsed.GetValue(memoryBytes) < 0)
            {
                return BpfFailure.SayUsage($"--memory-bytes: {parsed.GetValue(memoryBytes)} is not at least 0.");
            }

            BpfFile read = BpfFile.Read(parsed.GetValue(file)!);
            return Verify(read, read.Choose(parsed.GetValue(section)), parsed.GetValue(memoryBytes));
        }));
        return command;
    }

    private static int Verify(BpfFile file, IReadOnlyList<BpfObjectProgram> programs, int memoryBytes)
    {
        MemoryGroup group = new MemoryController().Root;
        IReadOnlyList<GroupMap> maps = file.CreateMaps(group);
        int exitCode = ExitCode.Success;
        foreach (BpfObjectProgram one in programs)
        {
            try
            {
                using BpfProgram program = BpfProgram.Load(group, one.Instructions.Span, new BpfProgramOptions
                {
                    Name = one.Name,
                    Maps = maps,
                    MemoryBytesMin = memoryBytes,
                    Engine = BpfEngine.Interpreter,
                });
                Console.Out.WriteLine(
                    $"{one.Section}: accepted; {program.InstructionCount} instructions, "
                    + $"{program.VerifiedInstructions} looked at");
            }
            catch (BpfRefusedException refused)
            {
                exitCode = BpfFailure.Say($"{one.Section}: {refused.Message}");
            }
        }

        foreach (GroupMap map in maps) map.Dispose();
        return exitCode;
    }
}
