// Executes decoded instructions one by one. The budget is not counted down by one for each: entering a function costs
// its length, and a jump backwards the distance. Both bound what is executed until the next such point, and the
// compiler counts in the same way, so that a program runs out of its budget in both engines or in none.

using System.Runtime.CompilerServices;

namespace Allot.Bpf;

/// <summary>The engine that works everywhere.</summary>
internal static unsafe class BpfInterpreter
{
    private const int Registers = 12;   // 10 and the frame pointer; the last is zero

    // One long loop, which should not begin slow.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Run(
        BpfExecution execution, BpfOperation* code, int start, ulong r10, in CallbackArguments arguments)
    {
        ulong* r = stackalloc ulong[Registers];
        CallFrame* frames = stackalloc CallFrame[BpfExecution.FramesMax];
        new Span<ulong>(r, Registers).Clear();
        (r[1], r[2], r[3], r[4]) = arguments;
        r[10] = r10;
        ulong lowest = (ulong)execution.Stack + BpfExecution.FrameBytes;
        int depth = 0;
        int at = start;
        ulong address;
        while (true)
        {
            BpfOperation* op = code + at;
            ref ulong d = ref r[op->Destination];
            ulong s = r[op->Source] + (ulong)op->Number;
            bool taken;
            switch (op->Op)
            {
                case BpfOp.Add64: d += s; break;
                case BpfOp.Add32: d = (uint)(d + s); break;
                case BpfOp.Sub64: d -= s; break;
                case BpfOp.Sub32: d = (uint)(d - s); break;
                case BpfOp.Mul64: d *= s; break;
                case BpfOp.Mul32: d = (uint)(d * s); break;
                case BpfOp.Div64: d = BpfArithmetic.Div64(d, s); break;
                case BpfOp.Div32: d = BpfArithmetic.Div32(d, s); break;
                case BpfOp.SDiv64: d = BpfArithmetic.SDiv64(d, s); break;
                case BpfOp.SDiv32: d = (uint)BpfArithmetic.SDiv32(d, s); break;
                case BpfOp.Mod64: d = BpfArithmetic.Mod64(d, s); break;
                case BpfOp.Mod32: d = BpfArithmetic.Mod32(d, s); break;
                case BpfOp.SMod64: d = BpfArithmetic.SMod64(d, s); break;
                case BpfOp.SMod32: d = BpfArithmetic.SMod32(d, s); break;
                case BpfOp.Or64: d |= s; break;
                case BpfOp.Or32: d = (uint)(d | s); break;
                case BpfOp.And64: d &= s; break;
                case BpfOp.And32: d = (uint)(d & s); break;
                case BpfOp.Xor64: d ^= s; break;
                case BpfOp.Xor32: d = (uint)(d ^ s); break;
                case BpfOp.Lsh64: d <<= (int)s & 63; break;
                case BpfOp.Lsh32: d = (uint)d << ((int)s & 31); break;
                case BpfOp.Rsh64: d >>= (int)s & 63; break;
                case BpfOp.Rsh32: d = (uint)d >> ((int)s & 31); break;
                case BpfOp.Arsh64: d = (ulong)((long)d >> ((int)s & 63)); break;
                case BpfOp.Arsh32: d = (uint)((int)d >> ((int)s & 31)); break;
                case BpfOp.Neg64: d = 0 - d; break;
                case BpfOp.Neg32: d = (uint)(0 - d); break;
                case BpfOp.Mov64: d = s; break;
                case BpfOp.Mov32: d = (uint)s; break;
                case BpfOp.MovSx8To64: d = (ulong)(sbyte)s; break;
                case BpfOp.MovSx8To32: d = (uint)(sbyte)s; break;
                case BpfOp.MovSx16To64: d = (ulong)(short)s; break;
                case BpfOp.MovSx16To32: d = (uint)(short)s; break;
                case BpfOp.MovSx32To64: d = (ulong)(int)s; break;
                case BpfOp.Le16: d = BpfArithmetic.Le16(d); break;
                case BpfOp.Le32: d = BpfArithmetic.Le32(d); break;
                case BpfOp.Le64: d = BpfArithmetic.Le64(d); break;
                case BpfOp.Be16: d = BpfArithmetic.Be16(d); break;
                case BpfOp.Be32: d = BpfArithmetic.Be32(d); break;
                case BpfOp.Be64: d = BpfArithmetic.Be64(d); break;
                case BpfOp.Swap16: d = BpfArithmetic.Swap16(d); break;
                case BpfOp.Swap32: d = BpfArithmetic.Swap32(d); break;
                case BpfOp.Swap64: d = BpfArithmetic.Swap64(d); break;

                case BpfOp.Load8:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 1)) goto OutOfBounds;
                    d = *(byte*)address;
                    break;
                case BpfOp.Load16:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 2)) goto OutOfBounds;
                    d = Unsafe.ReadUnaligned<ushort>((void*)address);
                    break;
                case BpfOp.Load32:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 4)) goto OutOfBounds;
                    d = Unsafe.ReadUnaligned<uint>((void*)address);
                    break;
                case BpfOp.Load64:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 8)) goto OutOfBounds;
                    d = Unsafe.ReadUnaligned<ulong>((void*)address);
                    break;
                case BpfOp.LoadSx8:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 1)) goto OutOfBounds;
                    d = (ulong)*(sbyte*)address;
                    break;
                case BpfOp.LoadSx16:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 2)) goto OutOfBounds;
                    d = (ulong)Unsafe.ReadUnaligned<short>((void*)address);
                    break;
                case BpfOp.LoadSx32:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayRead(address, 4)) goto OutOfBounds;
                    d = (ulong)Unsafe.ReadUnaligned<int>((void*)address);
                    break;
                case BpfOp.Store8:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayWrite(address, 1)) goto OutOfBounds;
                    *(byte*)address = (byte)s;
                    break;
                case BpfOp.Store16:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayWrite(address, 2)) goto OutOfBounds;
                    Unsafe.WriteUnaligned((void*)address, (ushort)s);
                    break;
                case BpfOp.Store32:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayWrite(address, 4)) goto OutOfBounds;
                    Unsafe.WriteUnaligned((void*)address, (uint)s);
                    break;
                case BpfOp.Store64:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayWrite(address, 8)) goto OutOfBounds;
                    Unsafe.WriteUnaligned((void*)address, s);
                    break;

                case BpfOp.LoadAcquire8:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 1, writes: false, at)) return 0;
                    d = Volatile.Read(ref *(byte*)address);
                    break;
                case BpfOp.LoadAcquire16:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 2, writes: false, at)) return 0;
                    d = Volatile.Read(ref *(ushort*)address);
                    break;
                case BpfOp.LoadAcquire32:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 4, writes: false, at)) return 0;
                    d = Volatile.Read(ref *(uint*)address);
                    break;
                case BpfOp.LoadAcquire64:
                    address = s + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 8, writes: false, at)) return 0;
                    d = Volatile.Read(ref *(ulong*)address);
                    break;
                case BpfOp.StoreRelease8:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 1, writes: true, at)) return 0;
                    Volatile.Write(ref *(byte*)address, (byte)s);
                    break;
                case BpfOp.StoreRelease16:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 2, writes: true, at)) return 0;
                    Volatile.Write(ref *(ushort*)address, (ushort)s);
                    break;
                case BpfOp.StoreRelease32:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 4, writes: true, at)) return 0;
                    Volatile.Write(ref *(uint*)address, (uint)s);
                    break;
                case BpfOp.StoreRelease64:
                    address = d + (ulong)op->Offset;
                    if (!execution.MayDoOrdered(address, 8, writes: true, at)) return 0;
                    Volatile.Write(ref *(ulong*)address, s);
                    break;

                case BpfOp.CastToArena: d = (uint)s; break;
                case BpfOp.CastFromArena: d = execution.FromArena(s); break;
                case BpfOp.Arena:
                    if (!InArena(execution, op, at, r)) return 0;
                    break;

                case BpfOp.Ja: goto Jump;
                case BpfOp.MayGoto: taken = execution.Budget < execution.GoOnBudget; goto Branch;
                case BpfOp.Jeq64: taken = d == s; goto Branch;
                case BpfOp.Jeq32: taken = (uint)d == (uint)s; goto Branch;
                case BpfOp.Jne64: taken = d != s; goto Branch;
                case BpfOp.Jne32: taken = (uint)d != (uint)s; goto Branch;
                case BpfOp.Jset64: taken = (d & s) != 0; goto Branch;
                case BpfOp.Jset32: taken = (uint)(d & s) != 0; goto Branch;
                case BpfOp.Jgt64: taken = d > s; goto Branch;
                case BpfOp.Jgt32: taken = (uint)d > (uint)s; goto Branch;
                case BpfOp.Jge64: taken = d >= s; goto Branch;
                case BpfOp.Jge32: taken = (uint)d >= (uint)s; goto Branch;
                case BpfOp.Jlt64: taken = d < s; goto Branch;
                case BpfOp.Jlt32: taken = (uint)d < (uint)s; goto Branch;
                case BpfOp.Jle64: taken = d <= s; goto Branch;
                case BpfOp.Jle32: taken = (uint)d <= (uint)s; goto Branch;
                case BpfOp.Jsgt64: taken = (long)d > (long)s; goto Branch;
                case BpfOp.Jsgt32: taken = (int)d > (int)s; goto Branch;
                case BpfOp.Jsge64: taken = (long)d >= (long)s; goto Branch;
                case BpfOp.Jsge32: taken = (int)d >= (int)s; goto Branch;
                case BpfOp.Jslt64: taken = (long)d < (long)s; goto Branch;
                case BpfOp.Jslt32: taken = (int)d < (int)s; goto Branch;
                case BpfOp.Jsle64: taken = (long)d <= (long)s; goto Branch;
                case BpfOp.Jsle32: taken = (int)d <= (int)s; goto Branch;

                case BpfOp.LoadNumber:
                case BpfOp.LoadMap:
                case BpfOp.LoadMapValue:
                case BpfOp.LoadFunction:
                    d = s;
                    at += 2;
                    continue;

                case BpfOp.CallHelper:
                    execution.FrameEnd = r[10];
                    r[0] = execution.CallHelper(op->Offset, r[1], r[2], r[3], r[4], r[5], at);
                    if (execution.IsStopped) return 0;
                    break;

                case BpfOp.CallRegister:
                    execution.FrameEnd = r[10];
                    r[0] = execution.CallNumbered(s, r[1], r[2], r[3], r[4], r[5], at);
                    if (execution.IsStopped) return 0;
                    break;

                case BpfOp.CallLocal:
                    if (r[10] == lowest)
                    {
                        execution.Fail(BpfFaultKind.CallTooDeep, at);
                        return 0;
                    }

                    execution.NoteCall(r[10], at);
                    Save(r, ref frames[depth++], at + 1);
                    execution.Budget -= op->Number;
                    at = op->Offset;
                    if (execution.Budget < 0) goto OutOfBudget;
                    continue;

                case BpfOp.Exit:
                    if (depth == 0) return r[0];
                    at = Restore(r, ref frames[--depth]);
                    continue;

                default:
                    if (!Atomic(execution, op->Op, d + (ulong)op->Offset, at, r, op->Source)) return 0;
                    break;
            }

            at++;
            continue;

        Branch:
            if (!taken)
            {
                at++;
                continue;
            }

        Jump:
            int target = op->Offset;
            if (target <= at)
            {
                execution.Budget -= at - target + 1;
                if (execution.Budget < 0) goto OutOfBudget;
            }

            at = target;
        }

    OutOfBounds:
        execution.Fail(BpfFaultKind.OutOfBounds, at, address, code[at].Op.AccessBytes());
        return 0;

    OutOfBudget:
        execution.Fail(BpfFaultKind.OutOfBudget, at);
        return 0;
    }

    private static bool Atomic(BpfExecution execution, BpfOp op, ulong address, int at, ulong* r, byte source)
    {
        if (!execution.MayDoAtomic(address, op.AccessBytes(), at)) return false;
        ulong old = BpfAtomics.Apply(op, address, r[source], r[0]);
        if (op.IsFetch()) r[op.As64() == BpfOp.CompareExchange64 ? 0 : source] = old;
        return true;
    }

    private static bool InArena(BpfExecution execution, BpfOperation* operation, int at, ulong* r)
    {
        int packed = operation->Offset;
        BpfOp op = ArenaAccess.OpOf(packed);
        ulong target = r[operation->Destination], source = r[operation->Source] + (ulong)operation->Number;
        if (op.IsLoad())
        {
            r[operation->Destination] = execution.LoadInArena(packed, source, at);
        }
        else if (op.IsStore())
        {
            execution.StoreInArena(packed, target, source, at);
        }
        else
        {
            ulong result = execution.AtomicInArena(packed, target, source, r[0], at);
            if (op.IsFetch()) r[op.As64() == BpfOp.CompareExchange64 ? 0 : operation->Source] = result;
        }

        return !execution.IsStopped;
    }

    // A function begins with its arguments and nothing else, and leaves nothing but r0.
    private static void Save(ulong* r, ref CallFrame frame, int returnTo)
    {
        frame.ReturnTo = returnTo;
        for (int register = 1; register < 10; register++) frame.Registers[register] = r[register];
        r[0] = r[6] = r[7] = r[8] = r[9] = 0;
        r[10] -= BpfExecution.FrameBytes;
    }

    private static int Restore(ulong* r, ref CallFrame frame)
    {
        for (int register = 1; register < 10; register++) r[register] = frame.Registers[register];
        r[10] += BpfExecution.FrameBytes;
        return frame.ReturnTo;
    }

    private struct CallFrame
    {
        public int ReturnTo;
        public fixed ulong Registers[10];
    }
}
