using Allot.Bpf.Tests.Support;
using Allot.Testing;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Programs that use an arena at random, inside and beside it, and leave in their memory and in the arena what
/// they have found. None of it depends on where the arena is.</summary>
internal sealed class RandomArenaProgram
{
    public const int MemoryBytes = 64;

    // r6: the arena as the host sees it; r7: an address in it; r8: what was found; r9: the memory of the run.
    private const int Host = 6, Place = 7, Found = 8, Results = 9;

    // Those that the compiler of the kernel has for arenas: no fetching and, or and exclusive or.
    private static readonly BpfOp[] s_atomics =
    [
        BpfOp.AtomicAdd64, BpfOp.AtomicAdd32, BpfOp.AtomicOr64, BpfOp.AtomicOr32, BpfOp.AtomicAnd64, BpfOp.AtomicAnd32,
        BpfOp.AtomicXor64, BpfOp.AtomicXor32, BpfOp.FetchAdd64, BpfOp.FetchAdd32, BpfOp.Exchange64, BpfOp.Exchange32,
        BpfOp.CompareExchange64, BpfOp.CompareExchange32,
    ];

    private readonly Prng _random;
    private readonly Asm _asm = new();
    private readonly int _bytes;
    private int _labels;

    private RandomArenaProgram(ulong seed, int bytes)
    {
        _random = new Prng(seed);
        _bytes = bytes;
    }

    /// <param name="seed">Which program.</param>
    /// <param name="bytes">The bytes of the arena.</param>
    public static byte[] Make(ulong seed, int bytes)
    {
        var program = new RandomArenaProgram(seed, bytes);
        program.Write();
        return program._asm.Bytes();
    }

    private void Write()
    {
        _asm.Copy(Results, 1).MapValue(Host, 0, 0).Move(Found, 1).Move(0, 0).CastToArena(Place, Host);
        for (int register = 1; register <= 5; register++) _asm.Constant(register, _random.Next());
        for (int count = 4 + _random.Below(30); count > 0; count--) One();
        _asm.CastFromArena(2, Place).Register(BpfOp.Sub64, 2, Host).Register(BpfOp.Store32, Results, 2, 8)
            .Register(BpfOp.Store64, Results, Found, 0).Register(BpfOp.Store64, Results, 0, 16).Move(0, 0).Exit();
    }

    private void One()
    {
        int data = 3 + _random.Below(3);
        BpfOp wide = _random.OneIn(2) ? BpfOp.Add64 : BpfOp.Add32;
        switch (_random.Below(12))
        {
            case 0:
                _asm.Copy(2, Host).Number(BpfOp.Add64, 2, _random.Below(_bytes + 256) - 128).CastToArena(Place, 2);
                break;
            case 1:
                _asm.Number(wide, Place, _random.Below(9000) - 4500);
                break;
            case 2:
                _asm.Move(2, _random.Below(600)).Register(_random.OneIn(2) ? wide : BpfOp.Sub64, Place, 2);
                break;
            case 3:
                _asm.Number(_random.OneIn(2) ? BpfOp.And64 : BpfOp.And32, Place, -8);
                break;
            case 4:
                _asm.Number(BpfOp.Or64, Place, _random.Below(16));
                break;
            case 5 or 6:
                BpfOp load = _random.OneIn(3) ? BpfOp.LoadSx8.Plus(_random.Below(3)) : BpfOp.Load8.Plus(_random.Below(4));
                _asm.Register(load, 2, Place, Offset(1)).Register(BpfOp.Xor64, Found, 2).Number(BpfOp.Mul64, Found, 31);
                break;
            case 7:
                _asm.Register(BpfOp.Store8.Plus(_random.Below(4)), Place, data, Offset(1));
                break;
            case 8:
                _asm.Number(BpfOp.Store8.Plus(_random.Below(4)), Place, (int)_random.Next(), Offset(1));
                break;
            case 9:
                _asm.Number(BpfOp.And64, Place, -8).Register(_random.Pick(s_atomics), Place, data, Offset(8));
                break;
            case 10:
                _asm.Number(BpfOp.And64, Place, -8);
                if (_random.OneIn(2)) _asm.Register(BpfOp.StoreRelease8.Plus(_random.Below(4)), Place, data, Offset(8));

                // Where nothing is, Linux 6.18 leaves what was in the register.
                else _asm.Move(data, 0).Register(BpfOp.LoadAcquire8.Plus(_random.Below(4)), data, Place, Offset(8)).Register(BpfOp.Xor64, Found, data);
                break;
            default:
                string label = $"after{_labels++}";
                _asm.If(_random.Pick([BpfOp.Jeq64, BpfOp.Jne64, BpfOp.Jset32]), data, (int)_random.Next(), label)
                    .Number(BpfOp.Add64, Place, 8).If(BpfOp.Jeq64, Place, 0, label).Number(BpfOp.Store64, Place, 5).Label(label);
                break;
        }
    }

    private int Offset(int multiple) => (_random.Below(200) - 100) / multiple * multiple;
}
