using System.Globalization;
using System.Text;

namespace Allot.Bpf;

/// <summary>Programs as text, in the notation that clang and the tools of Linux print.</summary>
public static class BpfDisassembler
{
    /// <summary>A program as text, one instruction a line.</summary>
    /// <param name="instructions">The instructions as stored, 8 bytes each; malformed ones are shown as bytes.</param>
    /// <returns>Lines such as <c>   3: r0 += 1</c>, the number being the index of the instruction.</returns>
    /// <exception cref="ArgumentException">The length is no multiple of 8.</exception>
    public static string Disassemble(ReadOnlySpan<byte> instructions)
    {
        if (instructions.Length % BpfInstruction.Bytes != 0)
        {
            throw new ArgumentException("The length must be a multiple of 8 bytes.", nameof(instructions));
        }

        var all = new BpfInstruction[instructions.Length / BpfInstruction.Bytes];
        for (int index = 0; index < all.Length; index++)
        {
            all[index] = BpfInstruction.Read(instructions[(index * BpfInstruction.Bytes)..]);
        }

        var text = new StringBuilder();
        for (int index = 0; index < all.Length; index++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{index,5}: {LineOf(all, index)}\n");
            if (IsConstant(all, index)) index++;
        }

        return text.ToString();
    }

    /// <summary>One instruction as text; its bytes when it is malformed.</summary>
    internal static string LineOf(BpfInstruction[] all, int index)
    {
        BpfInstruction one = all[index];
        foreach (InstructionForm form in InstructionForm.Of(one.Opcode))
        {
            if (form.MismatchOf(one) is not null) continue;
            if (form.Op.IsConstant() && index + 1 == all.Length) break;
            return string.Create(CultureInfo.InvariantCulture, $"{TextOf(form, all, index)}");
        }

        return one.ToString();
    }

    private static bool IsConstant(BpfInstruction[] all, int index) =>
        all[index].Opcode == Opcodes.LoadImmediate64 && index + 1 < all.Length;

    private static string TextOf(InstructionForm form, BpfInstruction[] all, int index)
    {
        BpfInstruction one = all[index];
        string w = form.Op.Is32() ? "w" : "r";
        string target = $"{w}{one.Destination}";
        string second = (form.Free & Fields.Source) != 0
            ? $"{w}{one.Source}"
            : one.Immediate.ToString(CultureInfo.InvariantCulture);
        string memory = $"(r{one.Destination} {Signed(one.Offset)})";
        BpfOp op = form.Op.As64();
        return op switch
        {
            BpfOp.Neg64 => $"{target} = -{target}",
            BpfOp.Mov64 => $"{target} = {second}",
            >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64 => $"{target} = (s{one.Offset}){second}",
            >= BpfOp.Le16 and <= BpfOp.Le64 => $"r{one.Destination} = le{one.Immediate} r{one.Destination}",
            >= BpfOp.Be16 and <= BpfOp.Be64 => $"r{one.Destination} = be{one.Immediate} r{one.Destination}",
            >= BpfOp.Swap16 and <= BpfOp.Swap64 => $"r{one.Destination} = bswap{one.Immediate} r{one.Destination}",
            BpfOp.CastToArena => $"{target} = addr_space_cast({second}, 0, 1)",
            BpfOp.CastFromArena => $"{target} = addr_space_cast({second}, 1, 0)",
            _ when op.IsArithmetic() => $"{target} {SymbolOf(op)} {second}",
            >= BpfOp.LoadAcquire8 and <= BpfOp.LoadAcquire64 =>
                $"r{one.Destination} = load_acquire(({TypeOf(op)} *)(r{one.Source} {Signed(one.Offset)}))",
            >= BpfOp.StoreRelease8 and <= BpfOp.StoreRelease64 =>
                $"store_release(({TypeOf(op)} *){memory}, r{one.Source})",
            BpfOp.MayGoto => $"may_goto {Signed(one.Offset)}",
            _ when op.IsLoad() => $"r{one.Destination} = *({TypeOf(op)} *)(r{one.Source} {Signed(one.Offset)})",
            _ when op.IsStore() => $"*({TypeOf(op)} *){memory} = {second}",
            _ when op.IsAtomic() => AtomicOf(op, form.Op.Is32() ? "u32" : "u64", memory, $"{w}{one.Source}", w),
            BpfOp.Ja => $"goto {Signed(Opcodes.ClassOf(one.Opcode) == Opcodes.Jmp ? one.Offset : one.Immediate)}",
            _ when op.IsConditionalJump() => $"if {target} {SymbolOf(op)} {second} goto {Signed(one.Offset)}",
            BpfOp.LoadNumber =>
                $"r{one.Destination} = 0x{((long)all[index + 1].Immediate << 32) | (uint)one.Immediate:x} ll",
            BpfOp.LoadMap => $"r{one.Destination} = map {one.Immediate}",
            BpfOp.LoadMapValue => $"r{one.Destination} = map {one.Immediate} value + {(uint)all[index + 1].Immediate}",
            BpfOp.LoadFunction => $"r{one.Destination} = function pc{Distance(one.Immediate)}",
            BpfOp.CallHelper => $"call {one.Immediate}",
            BpfOp.CallRegister => $"callx r{one.Destination | one.Immediate}",
            BpfOp.CallLocal => $"call pc{Distance(one.Immediate)}",
            _ => "exit",
        };
    }

    private static string AtomicOf(BpfOp op, string type, string memory, string source, string w) => op switch
    {
        BpfOp.Exchange64 => $"{source} = xchg(({type} *){memory}, {source})",
        BpfOp.CompareExchange64 => $"{w}0 = cmpxchg(({type} *){memory}, {w}0, {source})",
        _ when op.IsFetch() => $"{source} = atomic_fetch_{NameOf(op)}(({type} *){memory}, {source})",
        _ => $"lock *({type} *){memory} {SymbolOf(op)} {source}",
    };

    private static string NameOf(BpfOp op) => op switch
    {
        BpfOp.FetchAdd64 => "add",
        BpfOp.FetchOr64 => "or",
        BpfOp.FetchAnd64 => "and",
        _ => "xor",
    };

    private static string TypeOf(BpfOp op) =>
        $"{(op is >= BpfOp.LoadSx8 and <= BpfOp.LoadSx32 ? 's' : 'u')}{8 * op.AccessBytes()}";

    private static string SymbolOf(BpfOp op) => op switch
    {
        BpfOp.Add64 or BpfOp.AtomicAdd64 => "+=",
        BpfOp.Sub64 => "-=",
        BpfOp.Mul64 => "*=",
        BpfOp.Div64 => "/=",
        BpfOp.SDiv64 => "s/=",
        BpfOp.Mod64 => "%=",
        BpfOp.SMod64 => "s%=",
        BpfOp.Or64 or BpfOp.AtomicOr64 => "|=",
        BpfOp.And64 or BpfOp.AtomicAnd64 => "&=",
        BpfOp.Xor64 or BpfOp.AtomicXor64 => "^=",
        BpfOp.Lsh64 => "<<=",
        BpfOp.Rsh64 => ">>=",
        BpfOp.Arsh64 => "s>>=",
        BpfOp.Jeq64 => "==",
        BpfOp.Jne64 => "!=",
        BpfOp.Jset64 => "&",
        BpfOp.Jgt64 => ">",
        BpfOp.Jge64 => ">=",
        BpfOp.Jlt64 => "<",
        BpfOp.Jle64 => "<=",
        BpfOp.Jsgt64 => "s>",
        BpfOp.Jsge64 => "s>=",
        BpfOp.Jslt64 => "s<",
        _ => "s<=",
    };

    private static string Distance(int number) => string.Create(CultureInfo.InvariantCulture, $"{number:+0;-0;+0}");

    private static string Signed(int number) =>
        number < 0
            ? string.Create(CultureInfo.InvariantCulture, $"- {-(long)number}")
            : string.Create(CultureInfo.InvariantCulture, $"+ {number}");
}
