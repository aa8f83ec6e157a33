// What an engine works on: the stack, the memory of the run, what is left of the budget, and the fault if there is one.
//
// The check of an address. Stack and memory are compared by the engine itself: an access of n bytes at address is
// inside of b bytes from base when address - base is below b - n + 1, in unsigned numbers; nothing is when b is less
// than n. Everything else is asked of the maps.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>One run of a program, as helpers see it: on one thread, until the program ends.</summary>
public sealed unsafe partial class BpfExecution
{
    /// <summary>The most functions of a program that are inside of each other, the program itself included.</summary>
    internal const int FramesMax = 8;

    /// <summary>The stack of each function.</summary>
    internal const int FrameBytes = BpfCode.FrameBytes;

    /// <summary>The most programs that are run after the first by tail calls, as in Linux.</summary>
    internal const int TailCallsMax = 33;

    internal const int StackBytes = FramesMax * FrameBytes;

    private const int OfHelper = -1;

    /// <summary>What a register holds for the first map of a program. It is nobody's address.</summary>
    internal const ulong MapBase = 0xb9f0_0000_0000_0000;

    // What compiled programs read and write by name.
    internal byte* Stack;
    internal byte* Memory;
    internal ulong MemoryBytes;
    internal long Budget;
    internal long GoOnBudget;   // with less, MayGoto goes
    internal BpfFaultKind FaultKind;
    internal bool IsStopped;   // by a fault or a tail call

    /// <summary>Whether the run has done more than compute, so that there is something to clean up.</summary>
    internal bool IsTouched;

    // The program that runs, and what it has.
    internal object? Program;
    internal GroupMap[] Maps = [];
    internal BpfHelper[] Helpers = [];
    internal IReadOnlyDictionary<int, int>? HelpersByNumber;   // of a program that calls through registers

    // The program that a tail call goes to, once the one that runs has stopped for it.
    internal ITailTarget? Next;
    internal int TailCalls;

    private byte* _block;
    private BpfFault _fault;
    private BpfHelper? _helper;   // that runs
    private readonly List<(ulong Address, ulong Bytes)> _added = [];
    private readonly List<(nint Address, object Owner)> _held = [];   // until they are let go of, or the run ends

    internal BpfExecution(MemoryGroup group)
    {
        Group = group;
        _block = group.Allocator(MemoryKind.Kernel).Allocate(StackBytes);
        Stack = _block;
    }

    /// <summary>The group that pays for the program.</summary>
    public MemoryGroup Group { get; }

    /// <summary>Where the lines go that the program prints; null if nowhere.</summary>
    internal Action<string>? Trace { get; set; }

    /// <summary>What the host has given with the run; null if nothing.</summary>
    public object? State { get; internal set; }

    /// <summary>The instruction that has called the helper that runs.</summary>
    internal int HelperCalledAt { get; private set; }

    internal ulong StackEnd => (ulong)Stack + StackBytes;

    internal long ChargedBytes => _block == null ? 0 : GroupMemory.BytesOf(_block);

    internal BpfFault Fault => _fault;

    internal Exception? Failure { get; private set; }

    /// <summary>Memory of the program, for a helper to read or write.</summary>
    /// <param name="address">An argument of the helper.</param>
    /// <param name="bytes">The bytes from there on.</param>
    /// <param name="memory">The memory, until the helper returns; empty when false is returned.</param>
    /// <returns>False when a byte of it is not the program's; then the run ends with
    /// <see cref="BpfFaultKind.BadArgument"/> after the helper.</returns>
    public bool TryGetMemory(ulong address, int bytes, out Span<byte> memory)
    {
        memory = default;
        if (bytes < 0 || !Owns(address, (ulong)bytes, writes: true))
        {
            Refuse();
            return false;
        }

        memory = new Span<byte>((void*)address, bytes);
        return true;
    }

    /// <summary>Memory of the program, for a helper to read, also where the program itself may not write.</summary>
    /// <param name="address">An argument of the helper.</param>
    /// <param name="bytes">The bytes from there on.</param>
    /// <param name="memory">The memory, until the helper returns; empty when false is returned.</param>
    /// <returns>False when a byte of it is not the program's; then the run ends with
    /// <see cref="BpfFaultKind.BadArgument"/> after the helper.</returns>
    public bool TryReadMemory(ulong address, int bytes, out ReadOnlySpan<byte> memory)
    {
        bool isOwned = TryRead(address, bytes, out byte* first);
        memory = isOwned ? new ReadOnlySpan<byte>(first, bytes) : default;
        return isOwned;
    }

    /// <summary>Lets the program use memory of the host, until it ends or <see cref="RemoveMemory"/>.</summary>
    /// <param name="address">The first byte; the memory stays where it is.</param>
    /// <param name="bytes">How many there are.</param>
    public void AddMemory(byte* address, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        IsTouched = true;
        _added.Add(((ulong)address, (ulong)bytes));
    }

    /// <summary>Takes back what <see cref="AddMemory"/> has given.</summary>
    /// <param name="address">The first byte.</param>
    /// <returns>False when there is no such memory.</returns>
    public bool RemoveMemory(byte* address) => _added.RemoveAll(each => each.Address == (ulong)address) > 0;

    /// <summary>Where the memory of the run goes at its end, if the program returns so.</summary>
    internal BpfRedirect Redirect
    {
        get;
        set
        {
            field = value;
            IsTouched = true;
        }
    }

    /// <summary>Lets the program use memory that an owner gave it: a record that is reserved in a ring, or a value that
    /// is released at the end of the run.</summary>
    internal void Hold(byte* address, int bytes, object owner)
    {
        AddMemory(address, bytes);
        _held.Add(((nint)address, owner));
    }

    internal bool Holds(byte* address) => _held.Exists(each => each.Address == (nint)address);

    /// <summary>Takes back what the program was given.</summary>
    /// <returns>False when it was not; then the run ends with <see cref="BpfFaultKind.BadArgument"/>.</returns>
    internal bool TryLetGo(ulong address, [NotNullWhen(true)] out object? owner)
    {
        int index = _held.FindIndex(each => each.Address == (nint)address && each.Owner is RingBuffer);
        owner = index < 0 ? null : _held[index].Owner;
        if (owner is null)
        {
            Refuse();
            return false;
        }

        _held.RemoveAt(index);
        RemoveMemory((byte*)address);
        return true;
    }

    /// <summary>The run has ended: records that the program has not submitted, because of a fault, are discarded, and
    /// all else is released and forgotten.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void CleanUp()
    {
        LetGoOfAll();
        if (_inner.Count != 0) ReleaseInner();
        _added.Clear();
        Redirect = default;
        TailCalls = 0;
        Next = null;
        IsStopped = false;
        FaultKind = BpfFaultKind.None;
        Failure = null;
        _fault = default;
        State = null;
        IsTouched = false;
    }

    /// <summary>The map that an argument names.</summary>
    /// <param name="argument">An argument of the helper.</param>
    /// <param name="map">The map; null when false is returned.</param>
    /// <returns>False when the argument is no map of the program, or of a type that is none of
    /// <see cref="BpfHelper.MapTypes"/>; then the run ends with <see cref="BpfFaultKind.BadArgument"/> after the
    /// helper.</returns>
    public bool TryGetMap(ulong argument, [NotNullWhen(true)] out GroupMap? map)
    {
        ulong index = argument - MapBase;
        map = index < (ulong)Maps.Length ? Maps[index] : InnerAt(argument);
        if (map is not null && _helper is { } helper && !helper.Takes(map.Definition.Type)) map = null;
        if (map is null) Refuse();
        return map is not null;
    }

    /// <summary>Gives the stack back to the group of the program.</summary>
    internal void End()
    {
        byte* block = _block;
        _block = null;   // first: others may ask for its size
        Stack = null;
        GroupMemory.Free(block);
    }

    /// <summary>The next program of a tail call begins.</summary>
    internal void GoOn()
    {
        Next = null;
        IsStopped = false;
    }

    internal void TailCallTo(ITailTarget program)
    {
        TailCalls++;
        Next = program;
        IsStopped = IsTouched = true;
    }

    /// <summary>Memory that a helper reads, and the program may only be able to read.</summary>
    internal bool TryRead(ulong address, int bytes, out byte* memory)
    {
        memory = (byte*)address;
        if (bytes >= 0 && Owns(address, (ulong)bytes, writes: false)) return true;
        Refuse();
        return false;
    }

    // Before a program that was not proven to read nothing that it has not written.
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void CleanStack() => new Span<byte>(Stack, StackBytes).Clear();

    // Of an access whose size is 1, 2, 4 or 8.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool MayRead(ulong address, int bytes) =>
        IsNear(address, bytes) || OwnsInMaps(address, (ulong)bytes, writes: false);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool MayWrite(ulong address, int bytes) =>
        IsNear(address, bytes) || OwnsInMaps(address, (ulong)bytes, writes: true);

    internal bool MayDoAtomic(ulong address, int bytes, int instruction) =>
        MayDoOrdered(address, bytes, writes: true, instruction);

    // Of an access that must be aligned.
    internal bool MayDoOrdered(ulong address, int bytes, bool writes, int instruction)
    {
        if (!(writes ? MayWrite(address, bytes) : MayRead(address, bytes)))
        {
            Fail(BpfFaultKind.OutOfBounds, instruction, address, bytes);
            return false;
        }

        if ((address & (ulong)(bytes - 1)) == 0) return true;
        Fail(BpfFaultKind.Misaligned, instruction, address, bytes);
        return false;
    }

    // Of any number of bytes.
    internal bool Owns(ulong address, ulong bytes, bool writes)
    {
        if (bytes == 0) return true;
        ulong at = address - (ulong)Stack;
        if (at < StackBytes && bytes <= StackBytes - at) return true;
        at = address - (ulong)Memory;
        return (at < MemoryBytes && bytes <= MemoryBytes - at) || OwnsInMaps(address, bytes, writes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool OwnsInMaps(ulong address, ulong bytes, bool writes)
    {
        foreach (GroupMap map in Maps)
        {
            if (map.Contains(address, bytes, writes)) return true;
        }

        foreach ((ulong start, ulong length) in _added)
        {
            ulong at = address - start;
            if (at < length && bytes <= length - at) return true;
        }

        return _inner.Count != 0 && OwnsInInner(address, bytes, writes);
    }

    /// <summary>Calls a helper of the program; the fault is set when it could not do its work.</summary>
    internal ulong CallHelper(int index, ulong r1, ulong r2, ulong r3, ulong r4, ulong r5, int instruction)
    {
        try
        {
            HelperCalledAt = instruction;
            BpfHelper helper = _helper = Helpers[index];
            ulong result = helper.Function(this, r1, r2, r3, r4, r5);
            if (_fault.Instruction == OfHelper) Fail(FaultKind, instruction);
            return result;
        }
        catch (Exception failure)
        {
            Failure = failure;
            Fail(BpfFaultKind.HelperFailed, instruction);
            return 0;
        }
    }

    /// <summary>Calls the helper of a number that a register holds.</summary>
    internal ulong CallNumbered(
        ulong number, ulong r1, ulong r2, ulong r3, ulong r4, ulong r5, int instruction)
    {
        if ((long)number == (int)number && HelpersByNumber!.TryGetValue((int)number, out int index))
        {
            return CallHelper(index, r1, r2, r3, r4, r5, instruction);
        }

        Fail(BpfFaultKind.NoSuchHelper, instruction, number);
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Fail(BpfFaultKind kind, int instruction, ulong address = 0, int bytes = 0)
    {
        FaultKind = kind;
        IsStopped = IsTouched = true;
        _fault = new BpfFault(kind, instruction, address, bytes);
    }

    // In the stack or the memory of the run.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsNear(ulong address, int bytes)
    {
        if (address - (ulong)Stack <= (ulong)(StackBytes - bytes)) return true;
        ulong at = address - (ulong)Memory;
        return at < MemoryBytes && (ulong)bytes <= MemoryBytes - at;
    }

    // Why in this order, and why maps come after it: see BpfExecution.InnerMaps.cs.
    private void LetGoOfAll()
    {
        foreach ((nint address, object owner) in _held)
        {
            if (owner is RingBuffer ring) ring.Commit((byte*)address, discards: true, flags: 0);
        }

        foreach ((_, object owner) in _held)
        {
            if (owner is not RingBuffer) ((IRunResource)owner).Release();
        }

        _held.Clear();
    }

    // The instruction is filled in when the helper has returned.
    private void Refuse() => Fail(BpfFaultKind.BadArgument, OfHelper);
}
