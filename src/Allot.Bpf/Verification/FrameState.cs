namespace Allot.Bpf;

/// <summary>What the verifier knows inside of one function: its registers and its stack.</summary>
internal sealed class FrameState
{
    private readonly RegisterState[] _registers;

    public FrameState(int function, int depth, int returnTo)
    {
        Function = function;
        ReturnTo = returnTo;
        Stack = new StackState();
        _registers = new RegisterState[11];
        _registers[10] = RegisterState.Address(RegisterKind.Stack, depth);
    }

    private FrameState(FrameState other)
    {
        Function = other.Function;
        ReturnTo = other.ReturnTo;
        Callback = other.Callback;
        Activation = other.Activation;
        Round = other.Round;
        GotoRound = other.GotoRound;
        Stack = other.Stack.Copy();
        _registers = [.. other._registers];
    }

    /// <summary>The index of the function.</summary>
    public int Function { get; }

    /// <summary>The instruction after the call; of a function that was called back, the call; -1 for the program
    /// itself.</summary>
    public int ReturnTo { get; }

    /// <summary>What a helper has called this function with; null when it was called otherwise.</summary>
    public CallbackEntry? Callback { get; init; }

    /// <summary>Which of the calls of a helper that calls back this function is in; 0 when it is in none.</summary>
    public int Activation { get; set; }

    /// <summary>How often that call has called back.</summary>
    public int Round { get; set; }

    /// <summary>How often the function has not gone where a <see cref="BpfOp.MayGoto"/> may.</summary>
    public int GotoRound { get; set; }

    public StackState Stack { get; }

    public ref RegisterState this[int register] => ref _registers[register];

    public FrameState Copy() => new(this);

    /// <summary>The bytes that the verifier needs for it.</summary>
    public long ScratchBytes =>
        Stack.ScratchBytes + (11 * System.Runtime.CompilerServices.Unsafe.SizeOf<RegisterState>()) + 128;

    public void ForEachRegister(Func<RegisterState, RegisterState> change)
    {
        for (int register = 0; register < 10; register++) _registers[register] = change(_registers[register]);
        Stack.ForEachRegister(change);
    }

    /// <summary>The registers that hold a number: a bit for each.</summary>
    public int RegistersWith(int id)
    {
        int registers = 0;
        for (int register = 0; register < 10; register++)
        {
            if (_registers[register].IsNumber && _registers[register].Id == id) registers |= 1 << register;
        }

        return registers;
    }

    /// <summary>Forgets numbers that are not what they were when this was seen before.</summary>
    /// <param name="seen">The frame as it was.</param>
    /// <param name="kept">A bit for each register whose number is kept.</param>
    /// <param name="keptSlots">The same for the stack.</param>
    /// <param name="toAll">Whether nothing is known of them afterwards; otherwise the least that both are.</param>
    public void Widen(FrameState seen, int kept, ulong keptSlots, bool toAll)
    {
        for (int register = 0; register < 10; register++)
        {
            ref RegisterState state = ref _registers[register];
            bool isKept = (kept & (1 << register)) != 0 || !state.IsNumber || state.IsLength;
            if (isKept || seen._registers[register].Range.Covers(state.Range)) continue;
            state = state.Widened(seen._registers[register], toAll);
        }

        Stack.Widen(seen.Stack, keptSlots, toAll);
    }

    /// <param name="seen">The frame as another path left it.</param>
    /// <param name="live">A bit for each register that is read before it is written from here on.</param>
    /// <param name="precise">A bit for each register whose number matters.</param>
    /// <param name="preciseSlots">The same for the stack.</param>
    /// <param name="ids">Which numbers of that path are which of this one.</param>
    public bool IsCoveredBy(FrameState seen, int live, int precise, ulong preciseSlots, IdPairs ids)
    {
        if (Function != seen.Function || ReturnTo != seen.ReturnTo) return false;
        if (Round < seen.Round) return false;   // there may be fewer rounds after it
        if (!CallbackEntry.IsSame(seen.Callback, Callback, ids)) return false;
        for (int register = 0; register < 10; register++)
        {
            if ((live & (1 << register)) == 0) continue;
            bool isPrecise = (precise & (1 << register)) != 0;
            if (!_registers[register].IsCoveredBy(seen._registers[register], isPrecise, ids)) return false;
        }

        return Stack.IsCoveredBy(seen.Stack, preciseSlots, ids);
    }
}
