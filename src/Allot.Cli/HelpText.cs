using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Allot.Cli;

/// <summary>Shows the help that was written by hand, of the program or of one of its subcommands.</summary>
internal sealed class HelpText(string rootHelp, string runHelp, string bpfHelp) : SynchronousCommandLineAction
{
    public override bool Terminating => true;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        string help = Topmost(parseResult.CommandResult)?.Command.Name switch
        {
            null => rootHelp,
            "run" => runHelp,
            _ => bpfHelp,
        };
        parseResult.InvocationConfiguration.Output.Write(help);
        return ExitCode.Success;
    }

    // Of "allot bpf run" it is bpf; of "allot" alone there is none.
    private static CommandResult? Topmost(CommandResult result)
    {
        CommandResult? topmost = null;
        for (SymbolResult? each = result; each?.Parent is not null; each = each.Parent) topmost = each as CommandResult;
        return topmost;
    }
}
