// Who decides whom to kill when memory runs out, if the host does not want to?
//
//   dotnet run samples/policies/largest.cs
//
// Three tenants share 1 MiB. A BPF program, which anybody could have brought, is told of every charge and remembers the
// group with the largest one. When the limit is met it kills that group; the others never notice.

#:project ../../src/Allot.Bpf/Allot.Bpf.csproj
#:property AllowUnsafeBlocks=true
#:property PublishAot=false

using Allot;
using Allot.Bpf;
using Allot.Maps;

var tree = new MemoryController();
MemoryGroup host = tree.Root.CreateChild("host");
MemoryGroup tenants = tree.Root.CreateChild("tenants", new MemoryGroupOptions { MaxBytes = 1 << 20 });

// struct { u64 group; u64 bytes; } largest;
using GroupMap largest = GroupMap.Create(host, new MapDefinition
{
    Name = "largest", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 1,
});

// if (context->bytes > largest.bytes) largest = { context->group, context->bytes }; return 0;
using BpfProgram remember = Load(
    "1826000000000000 0000000000000000",   // r6 = &largest
    "7912180000000000",                    // r2 = context->bytes
    "7963080000000000",                    // r3 = largest.bytes
    "bd32030000000000",                    // if r2 <= r3 goto end
    "7914080000000000",                    // r4 = context->group
    "7b46000000000000",                    // largest.group = r4
    "7b26080000000000",                    // largest.bytes = r2
    "b700000000000000",                    // end: r0 = 0
    "9500000000000000");                   // exit

// group_kill(largest.group); return 1;
using BpfProgram kill = Load(
    "1826000000000000 0000000000000000",   // r6 = &largest
    "7961000000000000",                    // r1 = largest.group
    "85000000eb030000",                    // call group_kill
    "b700000001000000",                    // r0 = 1
    "9500000000000000");                   // exit

using IDisposable attached = tenants.Attach(new BpfPolicy { Name = "largest", Charged = remember, OutOfMemory = kill });

Tenant a = new(tenants, "a"), hog = new(tenants, "hog"), b = new(tenants, "b");
a.Take(100_000);
hog.Take(700_000);
b.Take(200_000);
b.Take(300_000);   // does not fit before the hog is gone
Console.WriteLine($"a {a.State}, hog {hog.State}, b {b.State}; in use {tenants.Memory.CurrentBytes} bytes");
Console.WriteLine($"policy errors: {tenants.ReadEvents().PolicyErrors}");

BpfProgram Load(params string[] hex) => BpfProgram.Load(
    host,
    Convert.FromHexString(string.Concat(hex).Replace(" ", "", StringComparison.Ordinal)),
    new BpfProgramOptions
    {
        Maps = [largest],
        Helpers = BpfPolicyHelpers.All,
        MemoryBytesMin = BpfPolicyContext.Bytes,
    });

internal sealed class Tenant
{
    private readonly MemoryGroup _group;
    private readonly MemoryCharge _charge;

    public Tenant(MemoryGroup parent, string name)
    {
        _group = parent.CreateChild(name);
        _charge = _group.Hold(MemoryKind.User);
        _group.Killed.Register(_charge.Dispose);   // lets go of everything
    }

    public MemoryGroupState State => _group.State;

    public void Take(long bytes) => _charge.Grow(bytes);
}
