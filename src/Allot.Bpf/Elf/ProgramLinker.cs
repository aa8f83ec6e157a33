// A program of an object is a function in a section of its own; the functions that it calls lie in the same section or
// in .text. Linking copies them behind the program, each once, and writes distances into calls, and where a
// function is named to be called back. References to maps and
// variables become numbers of maps.

namespace Allot.Bpf;

/// <summary>Puts one program of an object together with the functions that it calls.</summary>
internal sealed class ProgramLinker(ElfFile file, IReadOnlyDictionary<(int Section, long Value), int> maps)
{
    private const int InstructionsMax = BpfDecoder.InstructionsMax;

    private readonly List<BpfInstruction> _linked = [];
    private readonly Dictionary<(int Section, long Value), int> _placed = [];
    private readonly Queue<(int Section, long Value)> _waiting = [];
    private readonly List<(int At, (int Section, long Value) Function, int Inside)> _calls = [];
    private int _valueOffset;   // of the variable that was referred to last

    /// <exception cref="BpfRefusedException">The program refers to what is not there, or not supported.</exception>
    public BpfInstruction[] Link(ElfSymbol program)
    {
        Place((program.Section, program.Value));
        while (_waiting.TryDequeue(out (int Section, long Value) function)) Copy(function);
        foreach ((int at, (int, long) function, int inside) in _calls)
        {
            _linked[at] = _linked[at] with { Immediate = _placed[function] + inside - at - 1 };
        }

        return [.. _linked];
    }

    private void Place((int Section, long Value) function)
    {
        if (_placed.TryAdd(function, -1)) _waiting.Enqueue(function);
    }

    private void Copy((int Section, long Value) function)
    {
        ElfSymbol symbol = file.Symbols.Find(each => each.Type == ElfSymbol.Function
            && (each.Section, each.Value) == function)
            ?? throw BpfRefusedException.Because($"a call goes to byte {function.Value} of section {function.Section}, "
                + "where no function begins");
        if (symbol.Section >= file.Sections.Count)
        {
            throw BpfRefusedException.Because($"the function '{symbol.Name}' is in a section that is not there");
        }

        ElfSection section = file.Sections[symbol.Section];
        bool isInside = symbol.Value >= 0 && symbol.SizeBytes > 0 && symbol.Value % BpfInstruction.Bytes == 0
            && symbol.SizeBytes % BpfInstruction.Bytes == 0
            && symbol.Value <= section.Content.Length - symbol.SizeBytes;
        if (!isInside) throw BpfRefusedException.Because($"the function '{symbol.Name}' is not inside of its section");
        if (_linked.Count + (symbol.SizeBytes / BpfInstruction.Bytes) > InstructionsMax)
        {
            throw BpfRefusedException.Because($"the program has more than {InstructionsMax} instructions");
        }

        _placed[function] = _linked.Count;
        for (long at = symbol.Value; at < symbol.Value + symbol.SizeBytes; at += BpfInstruction.Bytes)
        {
            BpfInstruction instruction = BpfInstruction.Read(section.Content.Span[(int)at..]);
            if (section.Relocations.TryGetValue(at, out ElfSymbol? target))
            {
                instruction = Relocate(symbol, instruction, target);
            }
            else if (instruction is { Opcode: Opcodes.Call, Source: 1 } or { Opcode: Opcodes.LoadImmediate64, Source: 4 })
            {
                AddCall((symbol.Section, at + ((instruction.Immediate + 1L) * BpfInstruction.Bytes)));
            }

            _linked.Add(instruction);
            if (instruction is not { Opcode: Opcodes.LoadImmediate64, Source: 2 or 4 }) continue;
            at += BpfInstruction.Bytes;   // the second half has the offset in the value already
            _linked.Add(new BpfInstruction(0, 0, 0, 0, instruction.Source == 2 ? _valueOffset : 0));
        }
    }

    private BpfInstruction Relocate(ElfSymbol function, BpfInstruction instruction, ElfSymbol target)
    {
        if (instruction is { Opcode: Opcodes.Call })
        {
            // Of a name, it is the function; of a section, the place in it is in the call.
            long value = target.Type == ElfSymbol.Function
                ? target.Value
                : target.Value + ((instruction.Immediate + 1L) * BpfInstruction.Bytes);
            if (target.Section == 0)
            {
                throw BpfRefusedException.Because(
                    $"'{function.Name}' calls '{target.Name}', which is not in the object");
            }

            AddCall((target.Section, value));
            return instruction with { Source = 1 };
        }

        if (instruction.Opcode != Opcodes.LoadImmediate64)
        {
            throw BpfRefusedException.Because(
                $"'{function.Name}' has a relocation at {instruction}, which has no address");
        }

        if ((uint)target.Section < (uint)file.Sections.Count && file.Sections[target.Section].IsCode)
        {
            // Of a section, the place in it is in the instruction; of a name, nothing is.
            AddCall((target.Section, checked(target.Value + instruction.Immediate)));
            return instruction with { Source = 4 };
        }

        if (maps.TryGetValue((target.Section, target.Value), out int map))
        {
            return instruction with { Source = 1, Immediate = map };
        }

        if (!maps.TryGetValue((target.Section, -1), out map))
        {
            throw BpfRefusedException.Because(
                $"'{function.Name}' refers to '{target.Name}', which is neither a map nor a variable of the object");
        }

        // A variable: its place in the section is in the symbol, and what is added to it in the instruction.
        _valueOffset = checked((int)(target.Value + instruction.Immediate));
        return instruction with { Source = 2, Immediate = map };
    }

    // To the beginning of a function or, in what an assembler has made, to a place inside of one.
    private void AddCall((int Section, long Value) target)
    {
        ElfSymbol? around = file.Symbols.Find(each => each.Type == ElfSymbol.Function
            && each.Section == target.Section
            && (ulong)(target.Value - each.Value) < (ulong)each.SizeBytes
            && (target.Value - each.Value) % BpfInstruction.Bytes == 0);
        (int, long) function = around is null ? target : (around.Section, around.Value);
        int inside = around is null ? 0 : (int)((target.Value - around.Value) / BpfInstruction.Bytes);
        Place(function);
        _calls.Add((_linked.Count, function, inside));
    }
}
