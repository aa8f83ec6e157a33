namespace Allot.Bpf;

/// <summary>What the verifier knows of a register on one path.</summary>
internal readonly record struct RegisterState
{
    public static RegisterState Unwritten => default;

    public static readonly RegisterState AnyNumber = OfNumber(ScalarRange.Any);

    public RegisterKind Kind { get; init; }

    /// <summary>Of a number, what it can be. Of an address, what was added to it and is not constant.</summary>
    public ScalarRange Range { get; init; }

    /// <summary>Of an address, what was added to it and is constant. In the stack, from its end: negative.</summary>
    public int Offset { get; init; }

    /// <summary>The function whose stack it is, from 0 for the program itself; or the index of the map; or the first
    /// instruction of the function; or 1 for a dynamic pointer whose memory was reserved; or, of a slice, the id of the
    /// dynamic pointer.</summary>
    public int Of { get; init; }

    /// <summary>Registers with the same number hold the same: what a comparison tells of one holds for all. Of reserved
    /// memory, which reservation it is; of what a callback may use, for which call. 0 is none.</summary>
    public int Id { get; init; }

    /// <summary>Of reserved memory and of slices, the size.</summary>
    public int Bytes { get; init; }

    /// <summary>It is the length of the memory of the run, whatever that is.</summary>
    public bool IsLength { get; init; }

    public bool IsNumber => Kind == RegisterKind.Number;

    public bool IsPointer => Kind > RegisterKind.Number;

    public bool MayBeZero =>
        Kind is RegisterKind.MapValueOrZero or RegisterKind.ReservedOrZero or RegisterKind.MapOrZero
        or RegisterKind.SliceOrZero;

    public static RegisterState OfNumber(ScalarRange range) => new() { Kind = RegisterKind.Number, Range = range };

    public static RegisterState Constant(ulong value) => OfNumber(ScalarRange.Constant(value));

    public static RegisterState Address(RegisterKind kind, int of = 0, int offset = 0) =>
        new() { Kind = kind, Of = of, Offset = offset, Range = ScalarRange.Constant(0) };

    /// <summary>A number that is what it is or what another one was, and maybe more.</summary>
    public RegisterState Widened(in RegisterState seen, bool toAll) =>
        toAll || !seen.IsNumber ? AnyNumber : OfNumber(ScalarRange.Hull(Range, seen.Range));

    /// <summary>What the register is, in words.</summary>
    public string Describe() => Kind switch
    {
        RegisterKind.Unwritten => "nothing",
        RegisterKind.Number => "a number",
        RegisterKind.Stack => "an address in the stack",
        RegisterKind.Memory => "an address in the memory of the run",
        RegisterKind.MemoryEnd => "the end of the memory of the run",
        RegisterKind.Map => "a map",
        RegisterKind.MapOrZero => "a map that was looked up, or 0",
        RegisterKind.Function => "a function",
        RegisterKind.MapKey => "an address in a key of a map",
        RegisterKind.MapValue => "an address in a value of a map",
        RegisterKind.MapValueOrZero => "the address of a value of a map, or 0",
        RegisterKind.DynamicPointer => "a dynamic pointer",
        RegisterKind.LentPointer => "the address of a dynamic pointer",
        RegisterKind.Slice => "an address in the memory of a dynamic pointer",
        RegisterKind.SliceOrZero => "the address of the memory of a dynamic pointer, or 0",
        RegisterKind.Arena => "an address in an arena",
        RegisterKind.Reserved => "an address in reserved memory",
        _ => "the address of reserved memory, or 0",
    };

    /// <summary>Whether a path that goes on with this has been proven by one that went on with more.</summary>
    /// <param name="seen">What was there when the other path came by.</param>
    /// <param name="isPrecise">Whether it matters which number it is, if it is one.</param>
    /// <param name="ids">Which numbers of that path are which of this one.</param>
    public bool IsCoveredBy(in RegisterState seen, bool isPrecise, IdPairs ids)
    {
        if (seen.Kind == RegisterKind.Unwritten) return true;   // it was not looked at
        if (IsNumber && seen.IsNumber && !isPrecise && !seen.IsLength) return true;
        if (Kind != seen.Kind || Offset != seen.Offset || Bytes != seen.Bytes) return false;
        bool isOfPointer = Kind is RegisterKind.Slice or RegisterKind.SliceOrZero;
        if (isOfPointer ? !ids.Pairs(seen.Of, Of) : Of != seen.Of) return false;
        if (seen.IsLength && !IsLength) return false;
        if (!seen.Range.Covers(Range)) return false;
        return seen.Id == 0 || (Id != 0 && ids.Pairs(seen.Id, Id));
    }
}
