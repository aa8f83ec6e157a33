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
          allot bpf size --type TYPE [--key N] [--value N] [--entries N] [--flags F] [--cpus N] [--extra N] [--json]
          allot bpf conformance [HEX] [--program HEX] [--elf] [--interpret] [--debug]

        Commands:
          run           Verify a program, run it once and print r0, and the memory if the program has changed it
          verify        Say for each program whether it is accepted, and if not, which instruction and register and why
          disasm        Show programs as text
          size          Say what a map costs, before there is one: what its group is charged when it is made, what
                        Linux shows for the same map, and the most that it can ever take
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
          --program HEX      The bytes of the program, instead of standard input
          --elf              The bytes are an ELF object
          --debug            Changes nothing; the suite may give it
          --type TYPE        The type of a map, as Linux calls it: HASH, LRU_HASH, ARRAY, RINGBUF, ...
          --key N            The bytes of a key. Default: 0, for a type without keys
          --value N          The bytes of a value. Default: 0, for a type without values
          --entries N        The most entries; of a ring the bytes, of an arena the pages. Default: 0
          --flags F          The flags of the map: a number, or names with commas (NO_PREALLOC,ZERO_SEED). Default: 0
          --cpus N           Processors of the machine. Default: those of this one
          --extra N          Hash functions of a BLOOM_FILTER, the address of an ARENA. Default: 0
          --functions N      Functions of a STRUCT_OPS
          --json             Print the figures as JSON: charged_bytes, kernel_memlock_bytes, max_bytes
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

          What a table of 100000 connections costs, and what it does when memory is taken as they come:
            allot bpf size --type HASH --key 4 --value 8 --entries 100000
            allot bpf size --type HASH --key 4 --value 8 --entries 100000 --flags NO_PREALLOC --json

        """;

    public static Command Create()
    {
        var bpf = new Command("bpf", "Run, verify and show BPF programs; say what maps cost.");
        bpf.Subcommands.Add(BpfRunCommand.Create());
        bpf.Subcommands.Add(BpfVerifyCommand.Create());
        bpf.Subcommands.Add(BpfDisassembleCommand.Create());
        bpf.Subcommands.Add(BpfSizeCommand.Create());
        bpf.Subcommands.Add(ConformanceCommand.Create());
        return bpf;
    }
}
