using System.CommandLine;
using System.CommandLine.Help;
using Allot.Cli.Bpf;
using Allot.Cli.Run;

namespace Allot.Cli;

/// <summary>The command line as a whole.</summary>
internal static class AllotCommand
{
    private const string Help = """
        allot - run programs in memory groups that bound what ordinary memory limits miss

        Usage:
          allot run [options] -- COMMAND [ARG...]
          allot bpf COMMAND [options] [FILE]

        Commands:
          run        Run a command in a group with limits on kernel, pinned and ordinary memory
          bpf        Run, verify and show BPF programs

        Options:
          --help     Show this text; `allot run --help` and `allot bpf --help` show the options of each, with examples
          --version  Show the version

        """;

    public static int Invoke(string[] args)
    {
        // What follows "--" is the command's, word for word; only what precedes it is ours to read.
        int separator = Array.IndexOf(args, "--");
        string[] ours = separator < 0 ? args : args[..separator];
        string[] command = separator < 0 ? [] : args[(separator + 1)..];

        var root = new RootCommand("Run programs in memory groups.");
        root.Subcommands.Add(RunCommand.Create(command));
        root.Subcommands.Add(BpfCommand.Create());
        root.Options.OfType<HelpOption>().Single().Action = new HelpText(Help, RunCommand.Help, BpfCommand.Help);

        if (ours.Length == 0)
        {
            StandardError.Write(Help);
            return ExitCode.AllotFailed;
        }

        ParseResult parsed = root.Parse(ours, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpText)
        {
            foreach (var error in parsed.Errors) StandardError.WriteMessage(error.Message);
            string name = ours[0] == "bpf" ? "bpf" : "run";
            StandardError.WriteMessage($"see 'allot {name} --help'.");
            return ExitCode.AllotFailed;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                ProcessTerminationTimeout = null,
                EnableDefaultExceptionHandler = false,
            });
        }
        catch (IOException failure)
        {
            StandardError.WriteMessage(failure.Message);   // of what was to be printed
            return ExitCode.AllotFailed;
        }
    }
}
