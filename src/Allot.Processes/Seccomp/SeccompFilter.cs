// The filter program: who is asked, and what the kernel answers alone.
//
//   arch is not ours, or an x32 number     ERRNO(ENOSYS)   fail closed: another ABI has other numbers for the same
//                                                          calls, so letting it pass would be a way round every limit
//   a rule of this call matches            USER_NOTIF      the supervisor decides
//   everything else                        ALLOW
//
// Calls are found by binary search over their numbers. A call without a rule meets only loads of arch and nr, jumps
// and a return, which is what the kernel can evaluate when the filter is installed: such calls go to its cache of
// always allowed calls, and from then on cost a bit test.

using System.Runtime.InteropServices;
using Allot.Processes.Native;

namespace Allot.Processes.Seccomp;

/// <summary>A seccomp filter, ready to install. Immutable.</summary>
internal sealed class SeccompFilter
{
    public const uint Allow = 0x7fff0000;
    public const uint Notify = 0x7fc00000;
    public const uint FailWithNoSuchCall = 0x00050000 | Errno.ENOSYS;

    // Offsets in struct seccomp_data. Both architectures are little endian: the low half of an argument comes first.
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint ArgumentsOffset = 16;

    private const uint X32Bit = 0x40000000;

    private readonly BpfInstruction[] _program;

    private SeccompFilter(BpfInstruction[] program) => _program = program;

    /// <summary>The instructions.</summary>
    public ReadOnlySpan<BpfInstruction> Instructions => _program;

    /// <summary>The program as the kernel takes it, 8 bytes per instruction.</summary>
    public ReadOnlySpan<byte> ProgramBytes => MemoryMarshal.AsBytes(_program.AsSpan());

    /// <summary>Builds the filter that notifies when a rule matches.</summary>
    /// <exception cref="InvalidOperationException">The program is longer than the kernel accepts.</exception>
    public static SeccompFilter Create(SyscallTable table, IEnumerable<FilterRule> rules)
    {
        (int Number, FilterCondition Condition)[] calls =
        [
            .. rules.GroupBy(static rule => rule.SyscallNumber)
                .OrderBy(static group => group.Key)
                .Select(static group => (group.Key, Either([.. group.Select(static rule => rule.Condition)]))),
        ];

        var code = new BpfAssembler();
        int allow = code.Return(Allow);
        int notify = code.Return(Notify);
        int foreign = code.Return(FailWithNoSuchCall);

        int entry = Search(code, calls, notify, allow);
        if (table == SyscallTable.X64) entry = code.Branch(BpfInstruction.JumpAnyBit, X32Bit, foreign, entry);
        entry = code.Before(entry, BpfInstruction.LoadWord, NumberOffset);
        entry = code.Branch(BpfInstruction.JumpEqual, table.AuditArchitecture, entry, foreign);
        entry = code.Before(entry, BpfInstruction.LoadWord, ArchitectureOffset);
        return new SeccompFilter(code.ToProgram(entry));
    }

    private static FilterCondition Either(List<FilterCondition> conditions) =>
        conditions.Contains(FilterCondition.Always) ? FilterCondition.Always : FilterCondition.Or([.. conditions]);

    // A holds the number. Returns the place where the search of these calls begins.
    private static int Search(
        BpfAssembler code, ReadOnlySpan<(int Number, FilterCondition Condition)> calls, int notify, int allow)
    {
        if (calls.IsEmpty) return allow;
        if (calls.Length == 1)
        {
            int test = Test(code, calls[0].Condition, notify, allow);
            return code.Branch(BpfInstruction.JumpEqual, (uint)calls[0].Number, test, allow);
        }
        int middle = calls.Length / 2;
        int upper = Search(code, calls[middle..], notify, allow);
        int lower = Search(code, calls[..middle], notify, allow);
        return code.Branch(BpfInstruction.JumpGreaterOrEqual, (uint)calls[middle].Number, upper, lower);
    }

    // Returns the place where the test of the condition begins, which goes on to one of the two places.
    private static int Test(BpfAssembler code, FilterCondition condition, int whenTrue, int whenFalse)
    {
        switch (condition)
        {
            case FilterCondition.All all:
                int next = whenTrue;
                foreach (FilterCondition part in all.Conditions.Reverse()) next = Test(code, part, next, whenFalse);
                return next;

            case FilterCondition.Any any:
                next = whenFalse;
                foreach (FilterCondition part in any.Conditions.Reverse()) next = Test(code, part, whenTrue, next);
                return next;

            case FilterCondition.AnyBitOf bits:
                next = whenFalse;
                if (High(bits.Mask) != 0) next = AnyBit(code, HighHalf(bits.Argument), High(bits.Mask), whenTrue, next);
                if (Low(bits.Mask) != 0) next = AnyBit(code, LowHalf(bits.Argument), Low(bits.Mask), whenTrue, next);
                return next;

            case FilterCondition.MaskEquals equals:
                next = whenTrue;
                if (High(equals.Mask) != 0)
                {
                    next = MaskedEqual(
                        code, HighHalf(equals.Argument), (High(equals.Mask), High(equals.Value)), next, whenFalse);
                }
                if (Low(equals.Mask) != 0)
                {
                    next = MaskedEqual(
                        code, LowHalf(equals.Argument), (Low(equals.Mask), Low(equals.Value)), next, whenFalse);
                }
                return next;

            case FilterCondition.GreaterThan greater:
                return Greater(code, greater, whenTrue, whenFalse);

            default:
                throw new InvalidOperationException($"No code for {condition}.");
        }
    }

    private static int AnyBit(BpfAssembler code, uint offset, uint mask, int whenTrue, int whenFalse)
    {
        int test = code.Branch(BpfInstruction.JumpAnyBit, mask, whenTrue, whenFalse);
        return code.Before(test, BpfInstruction.LoadWord, offset);
    }

    private static int MaskedEqual(
        BpfAssembler code, uint offset, (uint Mask, uint Value) wanted, int whenTrue, int whenFalse)
    {
        int test = code.Branch(BpfInstruction.JumpEqual, wanted.Value, whenTrue, whenFalse);
        if (wanted.Mask != uint.MaxValue) test = code.Before(test, BpfInstruction.And, wanted.Mask);
        return code.Before(test, BpfInstruction.LoadWord, offset);
    }

    // Greater if the high half is greater, or if it is equal and the low half is greater.
    private static int Greater(BpfAssembler code, FilterCondition.GreaterThan greater, int whenTrue, int whenFalse)
    {
        int low = code.Branch(BpfInstruction.JumpGreaterX, 0, whenTrue, whenFalse);
        low = code.Before(low, BpfInstruction.LoadWord, LowHalf(greater.Left));
        low = code.Before(low, BpfInstruction.CopyToX, 0);
        low = code.Before(low, BpfInstruction.LoadWord, LowHalf(greater.Right));

        int high = code.Branch(BpfInstruction.JumpEqualX, 0, low, whenFalse);
        high = code.Branch(BpfInstruction.JumpGreaterX, 0, whenTrue, high);
        high = code.Before(high, BpfInstruction.LoadWord, HighHalf(greater.Left));
        high = code.Before(high, BpfInstruction.CopyToX, 0);
        return code.Before(high, BpfInstruction.LoadWord, HighHalf(greater.Right));
    }

    private static uint LowHalf(int argument) => ArgumentsOffset + (uint)argument * 8;

    private static uint HighHalf(int argument) => LowHalf(argument) + 4;

    private static uint Low(ulong value) => (uint)value;

    private static uint High(ulong value) => (uint)(value >> 32);
}
