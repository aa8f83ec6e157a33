using Allot.Bpf.Tests.Support;
using Allot.Testing;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Programs that are valid everywhere, in the kernel too, and leave all that they have computed in their memory.
/// r9 keeps the address of the memory, and r10 is the stack; all other registers hold numbers.</summary>
internal sealed class RandomProgram
{
    public const int MemoryBytes = 256;

    private const int ResultsAt = 128;        // of the memory; what is before is read and written at random
    private const int StackBytes = 64;        // written at the start, so that all of it may be read
    private const int Numbers = 9;            // r0 to r8

    private static readonly ulong[] s_edges =
    [
        0, 1, 2, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff80000000, 0xfffffffffffffffe, ulong.MaxValue,
    ];

    private static readonly BpfOp[] s_arithmetic =
        [.. Enum.GetValues<BpfOp>().Where(op => op.IsArithmetic())];

    private static readonly BpfOp[] s_jumps = [.. Enum.GetValues<BpfOp>().Where(op => op.IsConditionalJump())];

    private static readonly BpfOp[] s_atomics = [.. Enum.GetValues<BpfOp>().Where(op => op.IsAtomic())];

    private readonly Prng _random;
    private readonly Asm _asm = new();
    private int _labels;

    private RandomProgram(ulong seed) => _random = new Prng(seed);

    public static byte[] Make(ulong seed)
    {
        var program = new RandomProgram(seed);
        program.Prologue();
        bool calls = program._random.OneIn(4);
        program.Body(5 + program._random.Below(40), depth: 0, calls);
        if (calls) program.Call();
        program.Epilogue();
        if (calls) program.Function();
        return program._asm.Bytes();
    }

    public static byte[] Memory(ulong seed)
    {
        var random = new Prng(seed ^ 0x5555);
        byte[] memory = new byte[MemoryBytes];
        for (int at = 0; at < ResultsAt; at += 8) BitConverter.TryWriteBytes(memory.AsSpan(at), Number(random));
        return memory;
    }

    private static ulong Number(Prng random) => random.Below(3) switch
    {
        0 => random.Pick(s_edges),
        1 => (ulong)random.Below(1000),
        _ => random.Next(),
    };

    private void Prologue()
    {
        _asm.Copy(9, 1);
        for (int register = 0; register < Numbers; register++) _asm.Constant(register, Number(_random));
        for (int at = -StackBytes; at < 0; at += 8) _asm.Register(BpfOp.Store64, 10, _random.Below(Numbers), at);
    }

    private void Body(int count, int depth, bool calls)
    {
        for (int index = 0; index < count; index++)
        {
            switch (_random.Below(13))
            {
                case < 6: Arithmetic(); break;
                case 12: Rotation(); break;
                case 6: Load(); break;
                case 7: Store(); break;
                case 8: Atomic(); break;
                case 9 when depth < 3: Branch(depth, calls); break;
                case 10 when depth == 0: Loop(calls); break;
                case 11 when calls: Call(); break;
                default: _asm.Constant(_random.Below(Numbers), Number(_random)); break;
            }
        }
    }

    private void Epilogue()
    {
        for (int register = 0; register < Numbers; register++)
        {
            _asm.Register(BpfOp.Store64, 9, register, ResultsAt + (8 * register));
        }

        for (int at = 0; at < StackBytes; at += 8)
        {
            // Not all of the stack fits; half of it tells as much.
            if (at >= 48) break;
            _asm.Register(BpfOp.Load64, 0, 10, at - StackBytes);
            _asm.Register(BpfOp.Store64, 9, 0, ResultsAt + 72 + at);
        }

        _asm.Move(0, 0).Exit();
    }

    private void Arithmetic()
    {
        BpfOp op = _random.Pick(s_arithmetic);
        int target = _random.Below(Numbers);
        bool isUnary = op.As64() == BpfOp.Neg64 || op is >= BpfOp.Le16 and <= BpfOp.Swap64;
        if (isUnary)
        {
            _asm.One(op, target);
            return;
        }

        bool isExtension = op is >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64;
        if (isExtension || _random.OneIn(2))
        {
            _asm.Register(op, target, _random.Below(Numbers));
            return;
        }

        int number = (int)Number(_random);
        if (op is >= BpfOp.Div64 and <= BpfOp.SMod32 && number == 0) number = 3;
        if (op is >= BpfOp.Lsh64 and <= BpfOp.Arsh32) number = _random.Below(op.Is32() ? 32 : 64);
        _asm.Number(op, target, number);
    }

    // Or nearly one.
    private void Rotation()
    {
        int target = _random.Below(Numbers), half = _random.Below(Numbers);
        int wide = _random.Below(2), count = 1 + _random.Below(wide == 0 ? 63 : 31);
        int other = (wide == 0 ? 64 : 32) - count;
        if (other > 1 && _random.OneIn(8)) other--;
        (BpfOp one, BpfOp two) = _random.OneIn(2) ? (BpfOp.Lsh64, BpfOp.Rsh64) : (BpfOp.Rsh64, BpfOp.Lsh64);
        _asm.Register(BpfOp.Mov64.Plus(_random.OneIn(4) ? 1 - wide : wide), half, target).Number(one.Plus(wide), half, count);
        if (_random.OneIn(4)) Arithmetic();
        _asm.Number(two.Plus(wide), target, other);
        if (_random.OneIn(4)) Store();
        _asm.Register(BpfOp.Or64.Plus(_random.OneIn(4) ? 1 - wide : wide), target, half);
    }

    private (BpfOp Op, int Bytes) Sized(BpfOp first, int count)
    {
        BpfOp op = first.Plus(_random.Below(count));
        return (op, op.AccessBytes());
    }

    // Aligned: in the stack the kernel wants it.
    private int Place(int bytes, int size) => _random.Below(size / bytes) * bytes;

    private void Load()
    {
        if (_random.OneIn(6))
        {
            (BpfOp acquire, int size) = Sized(BpfOp.LoadAcquire8, 4);
            _asm.Register(acquire, _random.Below(Numbers), 10, Place(size, StackBytes) - StackBytes);
            return;
        }

        (BpfOp op, int bytes) = _random.OneIn(3) ? Sized(BpfOp.LoadSx8, 3) : Sized(BpfOp.Load8, 4);
        if (_random.OneIn(2)) _asm.Register(op, _random.Below(Numbers), 10, Place(bytes, StackBytes) - StackBytes);
        else _asm.Register(op, _random.Below(Numbers), 9, Place(bytes, ResultsAt));
    }

    private void Store()
    {
        if (_random.OneIn(6))
        {
            (BpfOp release, int size) = Sized(BpfOp.StoreRelease8, 4);
            _asm.Register(release, 10, _random.Below(Numbers), Place(size, StackBytes) - StackBytes);
            return;
        }

        (BpfOp op, int bytes) = Sized(BpfOp.Store8, 4);
        (int register, int at) = _random.OneIn(2) ? (10, Place(bytes, StackBytes) - StackBytes) : (9, Place(bytes, ResultsAt));
        if (_random.OneIn(2)) _asm.Register(op, register, _random.Below(Numbers), at);
        else _asm.Number(op, register, (int)Number(_random), at);
    }

    private void Atomic()
    {
        BpfOp op = _random.Pick(s_atomics);
        _asm.Register(op, 10, _random.Below(Numbers), Place(op.AccessBytes(), StackBytes) - StackBytes);
    }

    private void Branch(int depth, bool calls)
    {
        string label = $"branch{_labels++}";
        BpfOp op = _random.Pick(s_jumps);
        int first = _random.Below(Numbers);
        if (_random.OneIn(2)) _asm.IfRegister(op, first, _random.Below(Numbers), label);
        else _asm.If(op, first, (int)Number(_random), label);
        Body(1 + _random.Below(6), depth + 1, calls);
        _asm.Label(label);
    }

    // r8 counts, and nothing in the loop may change it: so the loop is made of what does not.
    private void Loop(bool calls)
    {
        string label = $"loop{_labels++}";
        _asm.Move(8, 0).Label(label);
        bool mayEnd = _random.OneIn(4);
        if (mayEnd) _asm.MayGoto(label + "end");
        for (int index = _random.Below(4); index >= 0; index--)
        {
            _asm.Register(_random.Pick([BpfOp.Add64, BpfOp.Mul32, BpfOp.Xor64, BpfOp.Sub32]), _random.Below(8), _random.Below(Numbers));
        }

        if (calls && _random.OneIn(2)) Call();
        _asm.Number(BpfOp.Add64, 8, 1).If(BpfOp.Jlt64, 8, 1 + _random.Below(20), label);
        if (mayEnd) _asm.Label(label + "end");
    }

    // After a call r1 to r5 hold nothing.
    private void Call()
    {
        _asm.CallLocal("function");
        for (int register = 1; register <= 5; register++) _asm.Constant(register, Number(_random));
    }

    private void Function()
    {
        _asm.Label("function").Copy(0, 1);
        for (int register = 6; register <= 8; register++) _asm.Copy(register, _random.Below(6));
        for (int index = 0; index < 6; index++)
        {
            _asm.Register(_random.Pick([BpfOp.Add64, BpfOp.Mul64, BpfOp.Xor32, BpfOp.Rsh64, BpfOp.SMod32]), _random.Below(6), _random.Below(6));
        }

        _asm.Register(BpfOp.Store64, 10, 6, -8).Register(BpfOp.Load32, 7, 10, -4).Register(BpfOp.Add64, 0, 7).Exit();
    }
}
