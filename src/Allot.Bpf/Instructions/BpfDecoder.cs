// From bytes to operations. Each instruction is looked up in the table of forms; then jumps and calls are resolved, and
// the program is divided into functions. A program that passes can be executed by an engine without looking at fields
// again: the engine checks memory and budget, and the verifier, for those who want it, checks all the rest.
//
// What is *not* checked here: what registers and memory hold, whether every instruction can be reached, whether loops
// end.

namespace Allot.Bpf;

/// <summary>Decodes programs, and refuses those that are malformed.</summary>
internal static class BpfDecoder
{
    /// <summary>The most instructions of a program, as in Linux.</summary>
    public const int InstructionsMax = 1_000_000;

    public static BpfCode Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % BpfInstruction.Bytes != 0)
        {
            throw BpfRefusedException.Because(
                $"a program is made of instructions of {BpfInstruction.Bytes} bytes; "
                + $"this one has {bytes.Length} bytes");
        }

        var instructions = new BpfInstruction[bytes.Length / BpfInstruction.Bytes];
        for (int index = 0; index < instructions.Length; index++)
        {
            instructions[index] = BpfInstruction.Read(bytes[(index * BpfInstruction.Bytes)..]);
        }

        return Decode(instructions);
    }

    public static BpfCode Decode(BpfInstruction[] instructions)
    {
        if (instructions.Length is 0 or > InstructionsMax)
        {
            throw BpfRefusedException.Because(
                $"a program has 1 to {InstructionsMax} instructions; this one has {instructions.Length}");
        }

        var operations = new BpfOperation[instructions.Length];
        for (int index = 0; index < operations.Length; index++)
        {
            operations[index] = DecodeOne(instructions, index);
            if (operations[index].Op.IsConstant()) index++;
        }

        var code = new BpfCode(instructions, operations, FindFunctions(instructions, operations));
        CheckFlow(code);
        return code;
    }

    private static BpfOperation DecodeOne(BpfInstruction[] instructions, int index)
    {
        BpfInstruction instruction = instructions[index];
        if (instruction.Destination > 10)
        {
            throw Refuse(instructions, index, $"register {instruction.Destination} does not exist: they are 0 to 10");
        }

        InstructionForm form = FormOf(instructions, index);
        if ((form.Free & Fields.Source) != 0 && instruction.Source > 10)
        {
            throw Refuse(instructions, index, $"register {instruction.Source} does not exist: they are 0 to 10");
        }

        if (WritesDestination(form.Op) && instruction.Destination == 10)
        {
            throw Refuse(instructions, index, "r10 is the frame pointer, and read-only", register: 10);
        }

        if (form.Op.IsFetch() && form.Op.As64() != BpfOp.CompareExchange64 && instruction.Source == 10)
        {
            throw Refuse(instructions, index, "r10 is the frame pointer, and read-only", register: 10);
        }

        CheckStack(instructions, index, form.Op);
        if (form.Op == BpfOp.CallRegister) return DecodeCallRegister(instructions, index);
        if (form.Op.IsConstant()) return DecodeConstant(instructions, index, form.Op);
        bool hasRegister = (form.Free & Fields.Source) != 0;
        return new BpfOperation(
            form.Op,
            instruction.Destination,
            hasRegister ? instruction.Source : BpfOperation.Zero,
            TargetOf(instructions, index, form),
            hasRegister || (form.Free & Fields.Immediate) == 0 ? 0 : instruction.Immediate);
    }

    // r10 does not change, so an access next to it is inside of the stack always or never.
    private static void CheckStack(BpfInstruction[] instructions, int index, BpfOp op)
    {
        int bytes = op.AccessBytes();
        BpfInstruction instruction = instructions[index];
        bool isLoad = op.IsLoad();
        if (bytes == 0 || (isLoad ? instruction.Source : instruction.Destination) != 10) return;
        int offset = instruction.Offset;
        if (offset >= -BpfCode.FrameBytes && offset <= -bytes) return;
        throw Refuse(
            instructions,
            index,
            $"{(isLoad ? "reads" : "writes")} {bytes} bytes at {offset} of the stack, "
            + $"which goes from {-BpfCode.FrameBytes} to 0",
            register: 10);
    }

    private static InstructionForm FormOf(BpfInstruction[] instructions, int index)
    {
        BpfInstruction instruction = instructions[index];
        ReadOnlySpan<InstructionForm> forms = InstructionForm.Of(instruction.Opcode);
        foreach (InstructionForm form in forms)
        {
            if (form.MismatchOf(instruction) is null) return form;
        }

        if (UnsupportedOf(instruction) is { } unsupported) throw Refuse(instructions, index, unsupported);
        if (forms.IsEmpty) throw Refuse(instructions, index, $"opcode 0x{instruction.Opcode:x2} does not exist");
        (string field, int value) = forms[0].MismatchOf(instruction)!.Value;
        string what = forms.Length == 1 ? $"must be {value}"
            : value == 0 ? $"has no such variant; without one it is {value}"
            : "has no such variant";
        throw Refuse(instructions, index, $"the field '{field}' of opcode 0x{instruction.Opcode:x2} {what}");
    }

    // What exists elsewhere, and would otherwise be called malformed.
    private static string? UnsupportedOf(BpfInstruction instruction) => instruction switch
    {
        { Opcode: Opcodes.Call, Source: 2 } => "calls of kernel functions by their BTF id are not supported",
        { Opcode: Opcodes.LoadImmediate64, Source: 3 } => "addresses of variables of the platform are not supported",
        _ when Opcodes.ClassOf(instruction.Opcode) == Opcodes.Ld
            && (instruction.Opcode & 0xe0) is Opcodes.Abs or Opcodes.Ind =>
            "the historical access to packets (ABS, IND) is not supported: load from an address",
        _ => null,
    };

    // In one of two fields; where both are 0, so is the register.
    private static BpfOperation DecodeCallRegister(BpfInstruction[] instructions, int index)
    {
        int register = instructions[index].Destination | instructions[index].Immediate;
        if ((uint)register <= 10) return new BpfOperation(BpfOp.CallRegister, 0, (byte)register, 0, 0);
        throw Refuse(instructions, index, $"register {register} does not exist: they are 0 to 10");
    }

    private static BpfOperation DecodeConstant(BpfInstruction[] instructions, int index, BpfOp op)
    {
        if (index + 1 == instructions.Length)
        {
            throw Refuse(instructions, index, "the second half of the 64-bit constant is missing");
        }

        BpfInstruction first = instructions[index];
        BpfInstruction second = instructions[index + 1];
        if (second is not { Opcode: 0, Destination: 0, Source: 0, Offset: 0 })
        {
            throw Refuse(instructions, index, "the second half of the 64-bit constant has more than an immediate");
        }

        if (op is BpfOp.LoadMap or BpfOp.LoadFunction && second.Immediate != 0)
        {
            throw Refuse(instructions, index, "the second half of a reference to a map or a function must be 0");
        }

        return op switch
        {
            BpfOp.LoadNumber => new BpfOperation(
                op, first.Destination, BpfOperation.Zero, 0, ((long)second.Immediate << 32) | (uint)first.Immediate),
            BpfOp.LoadFunction => new BpfOperation(
                op, first.Destination, BpfOperation.Zero, TargetOf(instructions, index, first.Immediate), 0),
            _ => new BpfOperation(
                op, first.Destination, BpfOperation.Zero, first.Immediate, (uint)second.Immediate),
        };
    }

    private static int TargetOf(BpfInstruction[] instructions, int index, InstructionForm form)
    {
        BpfInstruction instruction = instructions[index];
        if (!form.Op.IsJump() && form.Op != BpfOp.CallLocal) return instruction.Offset;
        bool isFar = form.Op == BpfOp.CallLocal || (form.Free & Fields.Offset) == 0;
        return TargetOf(instructions, index, isFar ? instruction.Immediate : instruction.Offset);
    }

    private static int TargetOf(BpfInstruction[] instructions, int index, int distance)
    {
        long target = index + 1L + distance;
        if (target >= 0 && target < instructions.Length) return (int)target;
        throw Refuse(instructions, index, $"goes to instruction {target}, of {instructions.Length} that there are");
    }

    private static int[] FindFunctions(BpfInstruction[] instructions, BpfOperation[] operations)
    {
        var entries = new SortedSet<int> { 0 };
        for (int index = 0; index < operations.Length; index++)
        {
            ref BpfOperation operation = ref operations[index];
            if (!operation.Op.IsJump() && !operation.Op.NamesFunction()) continue;
            if (operations[operation.Offset].Op == BpfOp.None)
            {
                throw Refuse(
                    instructions, index, $"goes to instruction {operation.Offset}, the second half of a constant");
            }

            if (operation.Op.NamesFunction()) entries.Add(operation.Offset);
        }

        return [.. entries];
    }

    private static void CheckFlow(BpfCode code)
    {
        for (int function = 0; function < code.Functions.Length; function++)
        {
            for (int index = code.Functions[function]; index < code.EndOf(function); index = code.Next(index))
            {
                BpfOperation operation = code.Operations[index];
                if (operation.Op.IsJump() && code.FunctionOf(operation.Offset) != function)
                {
                    throw code.Refuse(index, $"jumps to instruction {operation.Offset}, inside of another function");
                }

                if (operation.Op is BpfOp.Ja or BpfOp.Exit || code.Next(index) < code.EndOf(function)) continue;
                throw code.Refuse(
                    index, "is the last of its function, which must end with an exit or a jump");
            }
        }
    }

    private static bool WritesDestination(BpfOp op) =>
        op.IsArithmetic() || op.IsLoad() || op.IsConstant() || op.IsCast();

    private static BpfRefusedException Refuse(
        BpfInstruction[] instructions, int index, string reason, int? register = null) => new(new BpfRefusal
        {
            Instruction = index,
            Text = BpfDisassembler.LineOf(instructions, index),
            Register = register,
            Reason = reason,
        });
}
