using System.CommandLine;

namespace Allot.Cli.Bpf;

/// <summary>The bpf subcommand, and those below it.</summary>
internal static class BpfCommand
{
    public const string Help = """
        allot bpf - BPF programs in a machine of their own, charged to a group

        Usage:
          allot bpf run FILE [--section NAME] [--memory HEX] [--budget N] [--dump-maps] [--interpret]
          allot bpf verify FILE [--section NAME] [--memory-bytes N]
          allot bpf disasm FILE [--section NAME]
          allot bpf conformance [HEX] [--elf] [--interpret]

        Commands:
          run           Verify a program, run it once and print r0, and the memory if the program has changed it
          verify        Say for each program whether it is accepted, and if not, which instruction and register and why
          disasm        Show programs as text
          conformance   The plugin of the public suite bpf_conformance: a program as hexadecimal bytes on standard
                        input, the memory that it gets as HEX. Prints r0 in hexadecimal

        FILE is an object of 'clang -target bpf', or bare instructions of 8 bytes; - is standard input.

        Options:
          --section NAME     The program, by its section or its function. Default: the first one, for verify and
                             disasm all of them
          --memory HEX       The memory that the program gets: its address is in r1, its length in r2. Default: none
          --memory-bytes N   Verify for memory of at least N bytes. Default: 0
          --budget N         The most instructions of the run, roughly. Default: 16777216
          --dump-maps        Print all elements of all maps at the end
          --interpret        Interpret the program instead of compiling it
          --elf              The bytes are an ELF object
          --help             Show this text

        Exit status: 0 when the program was accepted and ran to its exit; 1 when it was refused or failed, with the
        reason on standard error; 125 when the command line was not understood.

        Examples:
          A program that returns 7:
            echo 'b7 00 00 00 07 00 00 00 95 00 00 00 00 00 00 00' | allot bpf conformance

          One that returns the first byte of its memory:
            echo '71 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00' | allot bpf conformance '2a 00'

          A program in C, its maps at the end:
            clang -O2 -g -target bpf -c count.c -o count.o
            allot bpf run count.o --memory '01 02 03 04' --dump-maps

        """;

    public static Command Create()
    {
        var bpf = new Command("bpf", "Run, verify and show BPF programs.");
        bpf.Subcommands.Add(BpfRunCommand.Create());
        bpf.Subcommands.Add(BpfVerifyCommand.Create());
        bpf.Subcommands.Add(BpfDisassembleCommand.Create());
        bpf.Subcommands.Add(ConformanceCommand.Create());
        return bpf;
    }
}
