using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>Arrays of groups, and tables of functions.</summary>
public sealed unsafe class TableTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    [Fact]
    public void A_group_is_under_itself_and_those_above_it()
    {
        MemoryGroup child = _group.CreateChild("child"), grandchild = child.CreateChild("grandchild");
        using var array = (CgroupArray)GroupMap.Create(
            _group, new MapDefinition { Type = MapType.CgroupArray, KeyBytes = 4, ValueBytes = 4, Capacity = 2 });
        Assert.Equal(-11, array.IsUnder(0, child));
        Assert.Equal(-7, array.IsUnder(2, child));
        Assert.Equal(0, array.Put(0, child));
        Assert.Equal(1, array.IsUnder(0, child));
        Assert.Equal(1, array.IsUnder(0, grandchild));
        Assert.Equal(0, array.IsUnder(0, _group));
        uint key = 0, high = 2, number = MapHandles.Of(child), bad = uint.MaxValue, read = 0;
        Assert.Equal(-524, array.Read((byte*)&key, (byte*)&read));
        Assert.Equal(-22, array.Write((byte*)&key, (byte*)&number, 1));
        Assert.Equal(-9, array.Write((byte*)&key, (byte*)&bad));
        Assert.Equal(-7, array.Write((byte*)&high, (byte*)&number));
        Assert.Equal(-7, array.Remove((byte*)&high));
        Assert.Equal(0, array.Remove((byte*)&key));
        Assert.Equal(-2, array.Remove((byte*)&key));
    }

    [Fact]
    public void A_table_is_registered_when_it_is_written_and_unregistered_when_it_is_removed()
    {
        var target = new Target();
        using (StructOpsMap table = Create(0))
        {
            uint key = 0, next = 9, second = 1;
            byte* value = stackalloc byte[128];
            new Span<byte>(value, 128).Clear();
            byte* read = stackalloc byte[128];
            Assert.Equal(0, table.Read((byte*)&key, read));
            Assert.Equal(0u, *(uint*)(read + 4));
            Assert.Equal(-2, table.Remove((byte*)&key));
            Assert.Equal(0, table.NextKey(null, (byte*)&next));
            Assert.Equal(0u, next);
            Assert.Equal(-2, table.NextKey((byte*)&next, (byte*)&next));
            table.SetTarget(target);
            table.SetFunction(1, (Func<int, int>)(x => x + 1));
            value[64] = 77;
            Assert.Equal(-7, table.Write((byte*)&second, value));
            Assert.Equal(-22, table.Write((byte*)&key, value, 1));
            Assert.Equal(0, table.Write((byte*)&key, value));
            Assert.Equal(-16, table.Write((byte*)&key, value));
            Assert.Equal(77, target.Data);
            Assert.Equal(8, ((Func<int, int>)target.Functions![1]!)(7));
            Assert.Throws<InvalidOperationException>(() => table.SetFunction(0, null));
            Assert.Equal(0, table.Read((byte*)&key, read));
            Assert.Equal((uint)StructOpsState.InUse, *(uint*)(read + 4));
            Assert.Equal(0, table.Remove((byte*)&key));
            Assert.Null(target.Functions);
            Assert.Equal(StructOpsState.ToBeFreed, table.State);
            Assert.Equal(-115, table.Remove((byte*)&key));
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_table_with_a_link_is_attached_and_detached()
    {
        var target = new Target();
        StructOpsMap table = Create(MapFlags.Link);
        uint key = 0;
        byte* value = stackalloc byte[128];
        new Span<byte>(value, 128).Clear();
        table.SetTarget(target);
        Assert.Equal(-22, table.Attach());
        Assert.Equal(0, table.Write((byte*)&key, value));
        Assert.Equal(StructOpsState.Ready, table.State);
        Assert.Null(target.Functions);
        Assert.Equal(0, table.Attach());
        Assert.NotNull(target.Functions);
        Assert.Equal(-95, table.Remove((byte*)&key));
        Assert.Equal(0, table.Detach());
        Assert.Null(target.Functions);
        Assert.Equal(0, table.Attach());
        table.Dispose();
        Assert.Null(target.Functions);
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    private StructOpsMap Create(uint flags) => (StructOpsMap)GroupMap.Create(
        _group,
        new MapDefinition
        {
            Type = MapType.StructOps,
            KeyBytes = 4,
            ValueBytes = 128,
            Capacity = 1,
            FunctionCount = 2,
            Flags = flags,
        });

    private sealed class Target : IStructOpsTarget
    {
        public IReadOnlyList<Delegate?>? Functions { get; private set; }

        public byte Data { get; private set; }

        public bool TryRegister(IReadOnlyList<Delegate?> functions, ReadOnlySpan<byte> data)
        {
            (Functions, Data) = (functions, data[0]);
            return true;
        }

        public void Unregister() => Functions = null;
    }
}
