// A dynamic pointer is 16 bytes of a stack that only helpers read and write: memory whose size the verifier does not
// know, which the helpers check. Its two halves are two registers in the stack, of one id. If its memory was reserved,
// the id is that of a reservation too. A slice of it, memory of a constant size, ends with it.

namespace Allot.Bpf;

/// <content>Dynamic pointers.</content>
internal sealed partial class BpfVerifier
{
    private const int ReservedPointer = 1;

    // A constant place for 16 bytes in a stack. What is there now is written over.
    private (int Frame, int Offset) PlaceForPointer(int at, int register, BpfHelper helper)
    {
        RegisterState address = Written(at, register);
        Require(IsPlace(address), at, register, address, "a constant multiple of 8 in the stack", helper);
        Accessible(at, register, 0, BpfDynamicPointer.Bytes, writes: true);
        Overwrite(at, register, _path.Frames[address.Of].Stack, address.Offset, BpfDynamicPointer.Bytes);
        return (address.Of, address.Offset);
    }

    private void MakePointer(int at, (int Frame, int Offset) place, BpfHelper helper)
    {
        int kind = helper.Reserves ? ReservedPointer : 0;
        RegisterState half = RegisterState.Address(RegisterKind.DynamicPointer, kind) with { Id = ++_lastId };
        if (helper.Reserves) _path.Reservations.Add(new PathState.Reservation(half.Id, at));
        StackState stack = _path.Frames[place.Frame].Stack;
        stack.StoreRegister(place.Offset, half);
        stack.StoreRegister(place.Offset + 8, half with { Offset = 1 });
    }

    // Of one that a helper lends, the register; of one in a stack, its first half.
    private RegisterState PointerAt(int at, int register, BpfHelper helper)
    {
        const string Needed = "a dynamic pointer";
        RegisterState address = Written(at, register);
        if (address.Kind == RegisterKind.LentPointer) return address;
        Require(IsPlace(address), at, register, address, Needed, helper);
        Accessible(at, register, 0, BpfDynamicPointer.Bytes, writes: false);
        StackState stack = _path.Frames[address.Of].Stack;
        RegisterState first = stack.RegisterAt(address.Offset) ?? default;
        RegisterState second = stack.RegisterAt(address.Offset + 8) ?? default;
        bool isPointer = first is { Kind: RegisterKind.DynamicPointer, Offset: 0 }
            && second is { Kind: RegisterKind.DynamicPointer, Offset: 1 } && first.Id == second.Id;
        if (isPointer) return first;
        throw _code.Refuse(
            at, $"is a place in the stack where no dynamic pointer is; {helper.Name} needs {Needed} there", register);
    }

    private void GiveBackPointer(int at, int register, BpfHelper helper)
    {
        RegisterState given = PointerAt(at, register, helper);
        bool isReserved = given is { Kind: RegisterKind.DynamicPointer, Of: ReservedPointer };
        Require(isReserved, at, register, given, "one whose memory was reserved", helper);
        GiveBack(given.Id);
        Forget(given.Id);
    }

    private static bool IsPlace(in RegisterState address) =>
        address is { Kind: RegisterKind.Stack, Range: { IsConstant: true, Least: 0 } } && address.Offset % 8 == 0;

    // The pointer is gone, and with it what was found out from it.
    private void Forget(int pointer) => _path.ForEachRegister(each => each.Kind switch
    {
        RegisterKind.DynamicPointer or RegisterKind.LentPointer or RegisterKind.MapKey when each.Id == pointer =>
            RegisterState.Unwritten,
        RegisterKind.Slice or RegisterKind.SliceOrZero when each.Of == pointer => RegisterState.Unwritten,
        _ => each,
    });
}
