using System.CommandLine;
using System.CommandLine.Invocation;

namespace Allot.Cli;

/// <summary>Shows the help that was written by hand, of the program or of one of its subcommands.</summary>
internal sealed class HelpText(string rootHelp, string runHelp, string bpfHelp) : SynchronousCommandLineAction
{
    public override bool Terminating => true;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        string help = parseResult.CommandResult.Command switch
        {
            RootCommand => rootHelp,
            { Name: "run" } => runHelp,
            _ => bpfHelp,
        };
        parseResult.InvocationConfiguration.Output.Write(help);
        return ExitCode.Success;
    }
}
