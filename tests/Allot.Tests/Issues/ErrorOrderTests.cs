using Allot.Maps;
using Allot.Tests.Maps.Kernel;

namespace Allot.Tests.Issues;

/// <summary>Where a call breaks two rules, the error is that of the kernel: flags that do not exist come before access,
/// access before the lock that no value has, and an arena looks at the key first.</summary>
public sealed unsafe class ErrorOrderTests
{
    private static readonly ulong[] s_flags = [0, 1, 2, 3, 4, 5, 8, 32, 1ul << 63];

    public static TheoryData<uint> AccessFlags => [0, MapFlags.ReadOnly, MapFlags.WriteOnly];

    [Theory]
    [MemberData(nameof(AccessFlags))]
    public void Two_mistakes_in_one_call_have_the_error_of_the_kernel(uint flags)
    {
        KernelMap.Require();
        AssertSame(new() { Type = MapType.Hash, KeyBytes = 4, ValueBytes = 8, Capacity = 2, Flags = flags });
        AssertSame(new() { Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 2, Flags = flags });
        AssertSame(new() { Type = MapType.Queue, ValueBytes = 8, Capacity = 2, Flags = flags });
    }

    [Fact]
    public void An_arena_answers_as_the_kernel()
    {
        KernelMap.Require();
        AssertSame(new() { Type = MapType.Arena, Capacity = 2, Flags = MapFlags.Mappable });
    }

    private static void AssertSame(MapDefinition definition)
    {
        using GroupMap ours = GroupMap.Create(new TreeOfThree().Leaf, definition);
        using KernelMap theirs = KernelMap.Create(definition);
        long* key = stackalloc long[1], value = stackalloc long[1], next = stackalloc long[1];
        (*key, *value) = (0, 0);
        foreach (nint pointer in definition.KeyBytes > 0 ? [(nint)key] : new nint[] { 0, (nint)key })
        {
            var at = (byte*)pointer;
            var to = (byte*)value;
            foreach (ulong flags in s_flags)
            {
                string where = $"{definition.Type}, flags 0x{definition.Flags:x}, 0x{flags:x}, key {pointer != 0}";
                Same(theirs.Write(at, to, flags), ours.Write(at, to, flags), $"write, {where}");
                Same(theirs.Read(at, to, flags), ours.Read(at, to, flags), $"read, {where}");
                Same(theirs.LookupAndDelete(at, to, flags), ours.LookupAndDelete(at, to, flags), $"take, {where}");
            }

            Same(theirs.Remove(at), ours.Remove(at), $"remove, {definition}");
            if (definition.Flags is MapFlags.Mappable) Same(theirs.NextKey(at, (byte*)next), ours.NextKey(at, (byte*)next), "next");
        }
    }

    private static void Same(int theirs, int ours, string where) =>
        Assert.True(theirs == ours, $"{where}: the kernel says {theirs}, and this {ours}");
}
