using System.CommandLine;

namespace Allot.Cli.Bpf;

/// <summary>The bpf subcommand, and those below it.</summary>
internal static class BpfCommand
{
    public const string Help = """
        allot bpf - BPF programs in a machine of their own, charged to a group

        Usage:
          allot bpf conformance [HEX] [--elf] [--interpret]

        Commands:
          conformance   The plugin of the public suite bpf_conformance: a program as hexadecimal bytes on standard
                        input, the memory that it gets as HEX. Prints r0 in hexadecimal

        Options:
          --elf         The bytes are an ELF object
          --interpret   Interpret the program instead of compiling it
          --help        Show this text

        Exit status: 0 when the program ran to its exit; 1 when it was refused or failed, with the reason on standard
        error.

        Examples:
          A program that returns 7:
            echo 'b7 00 00 00 07 00 00 00 95 00 00 00 00 00 00 00' | allot bpf conformance

          One that returns the first byte of its memory:
            echo '71 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00' | allot bpf conformance '2a 00'

        """;

    public static Command Create()
    {
        var bpf = new Command("bpf", "Run, verify and show BPF programs.");
        bpf.Subcommands.Add(ConformanceCommand.Create());
        return bpf;
    }
}
