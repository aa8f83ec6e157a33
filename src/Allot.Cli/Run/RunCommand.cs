// allot run: the options, and their translation into ProcessGroupOptions. Nothing is done before all of them are valid.

using System.CommandLine;
using System.CommandLine.Parsing;

namespace Allot.Cli.Run;

/// <summary>The run subcommand.</summary>
internal static class RunCommand
{
    public const string Help = """
        allot run - run a command in a memory group

        Usage:
          allot run [options] -- COMMAND [ARG...]

        Limits (a limit that is not given intercepts nothing and costs nothing):
          --kernel-max SIZE    Most kernel memory: processes, directories, sockets, ... Calls that would create more
                               fail with their own error (mkdir: ENOMEM, fork: EAGAIN). Needs a memory cgroup.
          --pins-max SIZE      Most locked and pinned memory: mlock, MAP_LOCKED, SHM_LOCK, io_uring buffers, ... Holds
                               for root too. Needs no privilege.
          --memory-max SIZE    Most memory of all kinds: the kernel's own limit of the cgroup. Needs a memory cgroup.

        Options:
          --name NAME          Name of the group in the report and the cgroup. Default: the command's name
          --allow-io-uring     Let the command use io_uring under --kernel-max. What a ring submits passes every filter,
                               so the limit is then only observed; without this, io_uring_setup fails with ENOSYS
          --report text|json|none
                               Form of the report at the end. Default: text
          --report-file FILE   Write the report there instead of standard error
          --verbose            Say on standard error what is done
          --help               Show this text

        A SIZE is bytes (4096), a number with K, M, G, T, P or E (64M, 64MiB, 1.5G), or max for no limit.

        Exit status: that of the command (128 + N when signal N ended it); 125 when Allot itself failed, 126 when the
        command cannot be executed, 127 when it was not found.

        Examples:
          A loop that would fill the kernel with directories, stopped at 2 MiB (as root):
            allot run --kernel-max 2M -- sh -c 'cd $(mktemp -d) && while mkdir x; do cd x; done'

          At most 1 MiB locked or pinned by all processes of a program, with a report for a machine (no privilege):
            allot run --pins-max 1M --report json --report-file pins.json -- python3 -c 'print("hello")'

          All three, and what happened on the way:
            allot run --memory-max 512M --kernel-max 64M --pins-max 16M --verbose -- make -j4

        """;

    public static Command Create(string[] command)
    {
        Option<long> memoryMax = SizeOption("--memory-max");
        Option<long> kernelMax = SizeOption("--kernel-max");
        Option<long> pinsMax = SizeOption("--pins-max");
        var name = new Option<string?>("--name");
        name.Validators.Add(ValidateName);
        var allowIoUring = new Option<bool>("--allow-io-uring");
        var report = new Option<string>("--report") { DefaultValueFactory = static _ => "text" };
        report.AcceptOnlyFromAmong("text", "json", "none");
        var reportFile = new Option<string?>("--report-file");
        var verbose = new Option<bool>("--verbose");

        var run = new Command("run", "Run a command in a memory group.")
        {
            memoryMax, kernelMax, pinsMax, name, allowIoUring, report, reportFile, verbose,
        };
        run.Validators.Add(result =>
        {
            if (command.Length > 0) return;
            result.AddError("no command was given: write it after '--', as in 'allot run -- true'.");
        });
        run.SetAction(parsed => Runner.Run(new RunRequest
        {
            Command = command,
            MemoryMaxBytes = parsed.GetValue(memoryMax),
            KernelMaxBytes = parsed.GetValue(kernelMax),
            PinsMaxBytes = parsed.GetValue(pinsMax),
            Name = parsed.GetValue(name),
            AllowsIoUring = parsed.GetValue(allowIoUring),
            ReportForm = parsed.GetValue(report)!,
            ReportFile = parsed.GetValue(reportFile),
            Verbose = parsed.GetValue(verbose),
        }));
        return run;
    }

    // Asks the one who knows the rule, so that it is written down once.
    private static void ValidateName(OptionResult result)
    {
        if (result.Tokens is not [{ Value: var name }]) return;
        try
        {
            new MemoryController().Root.CreateChild(name).Remove();
        }
        catch (ArgumentException failure)
        {
            result.AddError($"--name: '{name}' cannot be the name of a group. {WithoutParameterName(failure)}");
        }
    }

    private static string WithoutParameterName(ArgumentException failure) =>
        failure.Message.Replace($" (Parameter '{failure.ParamName}')", "", StringComparison.Ordinal);

    private static Option<long> SizeOption(string optionName) => new(optionName)
    {
        Arity = ArgumentArity.ExactlyOne,
        DefaultValueFactory = static _ => MemoryGroup.Unlimited,
        CustomParser = result => ParseSize(optionName, result),
    };

    private static long ParseSize(string optionName, ArgumentResult result)
    {
        if (MemorySize.TryParse(result.Tokens[0].Value, out long bytes, out string? error)) return bytes;
        result.AddError($"{optionName}: {error}");
        return 0;
    }
}
