using System.Buffers;

namespace Allot.Tests.Issues;

/// <summary>Whoever allocates for the current group does not see that it is removed meanwhile: its heir pays.</summary>
public sealed unsafe class AmbientHeirTests
{
    public static TheoryData<string> Ways => ["charge", "rent", "allocate", "allocate with flags"];

    [Theory, MemberData(nameof(Ways))]
    public void A_current_group_that_is_removed_while_it_reclaims_is_replaced_by_its_heir(string way)
    {
        const long Bytes = 5000;
        MemoryGroup root = new MemoryController().Root;
        MemoryGroup group = root.CreateChild("a", new() { MaxBytes = 8000 });
        group.Charge(MemoryKind.User, Bytes);
        using IDisposable registration = group.Register(new Remover());
        using (group.Enter()) Take(way, (int)Bytes);
        Assert.Equal(MemoryGroupState.Offline, group.State);
        root.Uncharge(MemoryKind.User, Bytes - Remover.FreedBytes);
        Assert.Equal(0, root.Memory.CurrentBytes);
        Assert.Equal(0, root.ReadEvents().AccountingErrors);
    }

    private static void Take(string way, int bytes)
    {
        switch (way)
        {
            case "charge":
                MemoryGroup? payer = AmbientCharging.Charge(MemoryKind.User, bytes);
                payer!.Uncharge(MemoryKind.User, bytes);
                break;
            case "rent":
                using (IMemoryOwner<byte> buffer = GroupMemoryPool.Shared.Rent(bytes)) buffer.Memory.Span[0] = 1;
                break;
            case "allocate":
                GroupMemory.Free(GroupMemory.Allocate((nuint)bytes));
                break;
            default:
                GroupMemory.Free(GroupMemory.Allocate((nuint)bytes, AllocationFlags.KernelAccount));
                break;
        }
    }

    private sealed class Remover : IReclaimer
    {
        public const long FreedBytes = 100;

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => FreedBytes;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            group.Uncharge(MemoryKind.User, FreedBytes);
            group.Remove();
            return FreedBytes;
        }
    }
}
