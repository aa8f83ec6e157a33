using System.CommandLine;
using System.CommandLine.Invocation;

namespace Allot.Cli;

/// <summary>Shows the help that was written by hand, of the program or of its subcommand.</summary>
internal sealed class HelpText(string rootHelp, string runHelp) : SynchronousCommandLineAction
{
    public override bool Terminating => true;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.Write(
            parseResult.CommandResult.Command is RootCommand ? rootHelp : runHelp);
        return ExitCode.Success;
    }
}
