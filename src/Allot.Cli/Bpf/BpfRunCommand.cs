using System.CommandLine;
using System.Globalization;
using Allot.Bpf;
using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>The run subcommand of bpf.</summary>
internal static class BpfRunCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file");
        var section = new Option<string?>("--section");
        var memory = new Option<string>("--memory") { DefaultValueFactory = static _ => "" };
        var budget = new Option<long>("--budget") { DefaultValueFactory = static _ => 16 << 20 };
        var dumpMaps = new Option<bool>("--dump-maps");
        var interpret = new Option<bool>("--interpret");
        var command = new Command("run", "Verify a program and run it once.")
        {
            file, section, memory, budget, dumpMaps, interpret,
        };
        command.SetAction(parsed => BpfFailure.Guard(() =>
        {
            if (HexBytes.TryParse(parsed.GetValue(memory)!) is not { } bytes)
            {
                return BpfFailure.SayUsage($"--memory: '{parsed.GetValue(memory)}' is not bytes in hexadecimal.");
            }

            if (parsed.GetValue(budget) < 1)
            {
                return BpfFailure.SayUsage($"--budget: {parsed.GetValue(budget)} is not at least 1.");
            }

            var options = new BpfProgramOptions
            {
                MemoryBytesMin = bytes.Length,
                InstructionBudget = parsed.GetValue(budget),
                Engine = parsed.GetValue(interpret) ? BpfEngine.Interpreter : BpfEngine.Automatic,
                Trace = static line => Console.Out.WriteLine($"trace: {line}"),
            };
            BpfFile read = BpfFile.Read(parsed.GetValue(file)!);
            return Run(read, read.Find(parsed.GetValue(section)), bytes, options, parsed.GetValue(dumpMaps));
        }));
        return command;
    }

    private static int Run(
        BpfFile file, BpfObjectProgram chosen, byte[] memory, BpfProgramOptions options, bool dumpsMaps)
    {
        MemoryGroup group = new MemoryController().Root;
        IReadOnlyList<GroupMap> maps = file.CreateMaps(group);
        List<BpfProgram> loaded = [];
        try
        {
            options.Maps = maps;
            BpfProgram program = Load(chosen);
            file.FillProgramArrays(maps, Load);
            byte[] before = [.. memory];
            ulong result = program.Run(memory);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"r0 = {result} (0x{result:x})"));
            if (!memory.AsSpan().SequenceEqual(before)) Console.Out.WriteLine($"memory = {HexBytes.Format(memory)}");
            if (dumpsMaps) foreach (GroupMap map in maps) MapDump.Write(Console.Out, map);
            return ExitCode.Success;
        }
        finally
        {
            foreach (BpfProgram each in loaded) each.Dispose();
            foreach (GroupMap map in maps) map.Dispose();
        }

        BpfProgram Load(BpfObjectProgram from)
        {
            options.Name = from.Name;
            loaded.Add(BpfProgram.Load(group, from.Instructions.Span, options));
            return loaded[^1];
        }
    }
}
