using System.Diagnostics;
using Allot.Maps;

namespace Allot.Bpf;

/// <content>Loads, stores and atomic operations.</content>
internal sealed partial class BpfVerifier
{
    private void Load(int at, BpfOperation operation)
    {
        int bytes = operation.Op.AccessBytes();
        RegisterState address = Accessible(at, operation.Source, operation.Offset, bytes, writes: false);
        if (operation.Op.IsOrdered()) RequireAligned(at, operation.Source, address, operation.Offset, bytes);
        RegisterState value = Unknown(operation.Op, bytes);
        if (address.Kind == RegisterKind.Stack) value = LoadFromStack(at, operation, address, bytes, value);
        _path.Top[operation.Destination] = value;
    }

    private RegisterState LoadFromStack(
        int at, BpfOperation operation, in RegisterState address, int bytes, in RegisterState unknown)
    {
        StackState stack = _path.Frames[address.Of].Stack;
        (int first, int last) = Bounds(address, operation.Offset);
        if (first == last) NotePlace(address, first);
        if (first == last && bytes == 8 && stack.RegisterAt(first) is { Kind: not RegisterKind.DynamicPointer } whole)
        {
            return whole;
        }

        RequireReadable(at, operation.Source, address, first, last - first + bytes);
        if (first != last) return unknown;
        if (stack.NumberAt(first, bytes) is { } number && BitConverter.IsLittleEndian)
        {
            return RegisterState.Constant(IsSigned(operation.Op) ? SignExtended(number, bytes) : number);
        }

        bool isLowPart = BitConverter.IsLittleEndian && !IsSigned(operation.Op);
        if (isLowPart && stack.RegisterAt(first) is { IsNumber: true } stored && unknown.Range.Covers(stored.Range))
        {
            return stored;
        }

        return unknown;
    }

    private void Store(int at, BpfOperation operation)
    {
        int bytes = operation.Op.AccessBytes();
        RegisterState value = Second(at, operation);
        RegisterState address = Accessible(at, operation.Destination, operation.Offset, bytes, writes: true);
        if (operation.Op.IsOrdered()) RequireAligned(at, operation.Destination, address, operation.Offset, bytes);
        if (value.IsPointer && (address.Kind != RegisterKind.Stack || bytes != 8))
        {
            throw _code.Refuse(
                at, $"is {value.Describe()}, which may be stored in the stack only, and whole", operation.Source);
        }

        if (address.Kind != RegisterKind.Stack) return;
        if (value.Kind == RegisterKind.Stack && value.Of > address.Of)
        {
            throw _code.Refuse(
                at, "is an address in the stack of a function that ends before the place it is stored at",
                operation.Source);
        }

        StackState stack = _path.Frames[address.Of].Stack;
        (int first, int last) = Bounds(address, operation.Offset);
        if (first != last)
        {
            RefuseStored(at, operation, value);
            Overwrite(at, operation.Destination, stack, first, last - first + bytes);
            stack.Store(first, last - first + bytes, number: null, isCertain: false);
            return;
        }

        Overwrite(at, operation.Destination, stack, first, bytes);
        NotePlace(address, first);
        if (bytes == 8 && first % 8 == 0)
        {
            stack.StoreRegister(first, value);
            return;
        }

        RefuseStored(at, operation, value);
        bool isKnown = value.Range.IsConstant && BitConverter.IsLittleEndian;
        stack.Store(first, bytes, isKnown ? value.Range.Least : null);
    }

    private void RefuseStored(int at, BpfOperation operation, in RegisterState value)
    {
        if (!value.IsPointer) return;
        throw _code.Refuse(
            at, $"is {value.Describe()}, which is stored at a constant multiple of 8 only", operation.Source);
    }

    private void Atomic(int at, BpfOperation operation)
    {
        BpfOp op = operation.Op;
        int bytes = op.AccessBytes();
        RegisterState operand = Written(at, operation.Source);
        if (operand.IsPointer) throw _code.Refuse(at, $"is {operand.Describe()} and not a number", operation.Source);
        bool compares = op.As64() == BpfOp.CompareExchange64;
        if (compares && Written(at, 0).IsPointer) throw _code.Refuse(at, "is not a number", 0);
        Accessible(at, operation.Destination, operation.Offset, bytes, writes: false);
        RegisterState address = Accessible(at, operation.Destination, operation.Offset, bytes, writes: true);
        RequireAligned(at, operation.Destination, address, operation.Offset, bytes);
        (int first, int last) = Bounds(address, operation.Offset);
        if (address.Kind == RegisterKind.Stack)
        {
            RequireReadable(at, operation.Destination, address, first, last - first + bytes);
            _path.Frames[address.Of].Stack.Store(first, last - first + bytes, number: null, isCertain: first == last);
        }

        if (op.IsFetch()) _path.Top[compares ? 0 : operation.Source] = Unknown(op, bytes);
    }

    private void RequireAligned(int at, int register, in RegisterState address, int offset, int bytes)
    {
        if (address.Kind is RegisterKind.Memory or RegisterKind.Slice)
        {
            throw _code.Refuse(
                at,
                $"is {address.Describe()}, which may lie anywhere: atomic operations need one in the "
                + "stack or in a value of a map",
                register);
        }

        ulong low = (address.Range.Bits + KnownBits.Constant((ulong)(address.Offset + offset))).Low(3).Most;
        if ((low & (ulong)(bytes - 1)) == 0) return;
        throw _code.Refuse(at, $"is not known to be a multiple of {bytes}", register);
    }

    /// <summary>The register, if all of the bytes that it may mean are in its memory.</summary>
    private RegisterState Accessible(int at, int register, int offset, long bytes, bool writes)
    {
        RegisterState address = Written(at, register);
        if (!address.IsPointer) throw _code.Refuse(at, "is a number and not an address", register);
        if (address.MayBeZero) throw _code.Refuse(at, $"is {address.Describe()}: compare it with 0 before", register);
        if (!IsInMemory(address.Kind))
        {
            throw _code.Refuse(at, $"is {address.Describe()}, where nothing can be read or written", register);
        }

        if (!HasBound(address.Range))
        {
            throw _code.Refuse(
                at, $"is {address.Describe()} plus a number without a bound: compare that number before", register);
        }

        (int first, int last) = Bounds(address, offset);
        (long begin, long end, string name) = MemoryOf(_path, address);
        if (first < begin || last + bytes > end)
        {
            string verb = writes ? "writes" : "reads";
            string where = first == last ? $"{first}" : $"{first} to {last}";
            throw _code.Refuse(
                at, $"{verb} {bytes} bytes at {where} of {name}, which goes from {begin} to {end}", register);
        }

        if (writes && address.Kind == RegisterKind.MapKey)
        {
            throw _code.Refuse(at, $"writes to {name}, which can only be read", register);
        }

        if (address.Kind == RegisterKind.MapValue) RequireAccess(at, register, _maps[address.Of], name, writes);

        Note(at, address);
        return address;
    }

    // Where programs read and write.
    private static bool IsInMemory(RegisterKind kind) => kind is not (
        RegisterKind.Map or RegisterKind.Function or RegisterKind.LentPointer or RegisterKind.Arena
        or RegisterKind.MemoryEnd);

    // Of what was added to an address.
    private static bool HasBound(in ScalarRange range) =>
        range is { SignedMost: < OffsetMax, SignedLeast: > -OffsetMax };

    private static (int First, int Last) Bounds(in RegisterState address, int offset)
    {
        Debug.Assert(address.IsPointer, "A number has no place.");
        Debug.Assert(address.Offset is > -OffsetMax and < OffsetMax, "An address does not move further.");
        Debug.Assert(HasBound(address.Range), "Places are asked for when they are bounded.");
        return (
            (int)(address.Offset + address.Range.SignedLeast + offset),
            (int)(address.Offset + address.Range.SignedMost + offset));
    }

    private (long Begin, long End, string Name) MemoryOf(PathState path, in RegisterState to) => to.Kind switch
    {
        RegisterKind.Stack => (-BpfExecution.FrameBytes, 0, "the stack"),
        RegisterKind.Memory => (0, path.MemoryBytes, "the memory of the run, as far as is known"),
        RegisterKind.Slice => (0, to.Bytes, "the memory of a dynamic pointer"),
        RegisterKind.MapKey => (0, _maps[to.Of].KeyBytes, $"a key of '{_maps[to.Of].Name}'"),
        RegisterKind.MapValue =>
            (0, _maps[to.Of].ValueBytes, $"a value of '{_maps[to.Of].Name}'"),
        _ => (0, to.Bytes, "the reserved memory"),
    };

    private void RequireAccess(int at, int register, MapDefinition map, string name, bool writes)
    {
        if (!map.Has(writes ? MapFlags.ReadOnlyForPrograms : MapFlags.WriteOnlyForPrograms)) return;
        string what = writes ? "writes to" : "reads from";
        string only = writes ? "read" : "write";
        throw _code.Refuse(at, $"{what} {name}, which is {only}-only for programs", register);
    }

    // Before anything is written to a stack.
    private void Overwrite(int at, int register, StackState stack, int offset, int bytes)
    {
        while (stack.DynamicPointerIn(offset, bytes) is { } pointer)
        {
            if (pointer.Of == ReservedPointer)
            {
                throw _code.Refuse(
                    at, "writes over a dynamic pointer whose memory was reserved and not given back", register);
            }

            Forget(pointer.Id);
        }
    }

    private void RequireReadable(int at, int register, in RegisterState address, int offset, int bytes)
    {
        StackState stack = _path.Frames[address.Of].Stack;
        if (stack.FirstUnreadable(offset, bytes) is not { } unreadable) return;
        string what = stack.DynamicPointerIn(unreadable, 1) is not null ? "is part of a dynamic pointer"
            : stack.HoldsAddress(unreadable, 1) ? "holds a part of an address"
            : "was not written on this path";
        throw _code.Refuse(
            at, $"reads {bytes} bytes at {offset} of the stack, where byte {unreadable} {what}", register);
    }

    private static RegisterState Unknown(BpfOp op, int bytes)
    {
        if (bytes == 8) return RegisterState.AnyNumber;
        ulong most = (1ul << (8 * bytes)) - 1;
        ScalarRange range = ScalarRange.Between(0, most);
        return RegisterState.OfNumber(IsSigned(op) ? ScalarArithmetic.SignExtend(range, 8 * bytes) : range);
    }

    private static ulong SignExtended(ulong number, int bytes) => bytes switch
    {
        1 => (ulong)(sbyte)number,
        2 => (ulong)(short)number,
        _ => (ulong)(int)number,
    };

    private static bool IsSigned(BpfOp op) => op is >= BpfOp.LoadSx8 and <= BpfOp.LoadSx32;

    private void Note(int at, in RegisterState address)
    {
        bool isValue = address.Kind == RegisterKind.MapValue;
        int of = isValue ? address.Of : 0;
        bool isInner = isValue && of >= _maps.Count;   // which map that is, only the run knows
        var place = isInner ? AccessPlace.Several : new AccessPlace(address.Kind, of);
        ref AccessPlace noted = ref _places[at];
        if (noted.Kind == RegisterKind.Arena || (noted != default && place.Kind == RegisterKind.Arena))
        {
            if (noted != place) throw RefuseTwoSides(at);
        }
        else if (noted == default) noted = place;
        else if (noted != place) noted = AccessPlace.Several;
    }
}
