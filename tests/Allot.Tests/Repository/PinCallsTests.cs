using System.Buffers;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Allot.Bpf;
using Allot.Processes;

namespace Allot.Tests.Repository;

/// <summary>What locks or pins is called in one place each, where a group pays for it. Seen twice: where a source imports
/// a function of the system or of a driver (eng/BannedSymbols.txt, native), and in the compiled code, who calls each of
/// those, and each method of .NET that pins. What a call would lock only with some argument is in the list too, with a
/// test of the arguments.</summary>
public sealed partial class PinCallsTests
{
    private static readonly Assembly[] s_assemblies =
        [typeof(MemoryGroup).Assembly, typeof(BpfProgram).Assembly, typeof(ProcessGroup).Assembly];

    // What pins, what would with an argument, and who calls it; then who calls those, up to where it is charged.
    private static readonly Dictionary<string, string[]> s_callers = new()
    {
        ["GCHandle.Alloc"] = [],
        ["GC.AllocateArray"] = ["PinnedArrayCharge.Allocate", "ThreadCells.Allocate"],
        ["GC.AllocateUninitializedArray"] = ["PinnedArrayCharge.Allocate"],
        ["ThreadCells.Allocate"] = ["ThreadGroups..ctor", "ThreadReserves.EnsureSlots"],   // the library's own: see there
        ["PinnedGCHandle..ctor"] = ["PinnedHandle..ctor"],
        ["Memory.Pin"] = ["IoRing.Register_NeedsGate", "PinnedMemory..ctor"],

        ["mlock"] = ["UnixMemoryLocks.Lock"],
        ["mlock2"] = ["UnixMemoryLocks.Lock"],
        ["VirtualLock"] = ["WindowsMemoryLocks.Lock", "WindowsMemoryLocks.LockInLargerWorkingSet"],
        ["IMemoryLocks.Lock"] = ["LockedPages.LockGaps"],
        ["LockedPages.LockGaps"] = ["LockedPages.TryLock"],   // which charges

        ["mmap"] = ["MirroredPages.TryMirror", "RingCalls.Map", "UnixCalls.MapNothing", "UnixCalls.MapNothingUnreserved"],
        ["mremap"] = ["MirroredPages.TryMirror"],
        ["shmctl"] = ["SharedMemory.Read"],
        ["ioctl"] =
        [
            "Reception.Receive", "SeccompListener..ctor", "SeccompListener.IsValid", "SeccompListener.Send",
        ],
        ["sendmsg"] = ["ControlSocket.SendReply", "ControlSocket.TrySend"],
        ["syscall"] =
        [
            "LibC.GetSignalMask", "LibC.GetThreadId", "LibC.PidFdOpen", "LibC.PidFdSendSignal", "LibC.Seccomp",
            "LibC.SetSignalMask", "LibC.SharesMemory", "LibC.SignalAction", "LibC.SignalThread",
            "LibC.UnblockSignals", "LibC.WaitForGracePeriod",
            "RingCalls.Enter", "RingCalls.Register", "RingCalls.Setup",
        ],
        ["RingCalls.Setup"] = ["RingQueues..ctor"],
        ["RingCalls.Register"] = ["RingQueues.Register", "RingQueues.Unregister"],
        ["RingQueues..ctor"] = ["IoRing..ctor"],
        ["RingQueues.Register"] = ["IoRing.Register_NeedsGate"],   // which charges

        ["Verbs.Register"] = ["RdmaDevice.Register"],
        ["Cuda.Register"] = ["CudaDevice.Register"],
        ["IMemoryDevice.Register"] = ["DeviceMemory..ctor"],   // which charges
        ["RdmaDevice.Register"] = [],
        ["CudaDevice.Register"] = [],
    };

    private static readonly Lazy<ILookup<string, string>> s_callersFound = new(() =>
        (from assembly in s_assemblies
         from call in MetadataReferences.CallsIn(assembly)
         where !IsImport(call.Caller)
         select (What: KeyOf(call.Callee), Caller: NameOf(call.Caller)))
        .Distinct().ToLookup(call => call.What, call => call.Caller));

    public static TheoryData<string> Guarded => [.. s_callers.Keys];

    [Fact]
    public void Nothing_else_imports_what_locks_or_pins()
    {
        (string Path, string Call)[] found =
        [
            .. from path in RepositoryFiles.With(".cs")
               where path.StartsWith("src/", StringComparison.Ordinal)
               from call in ImportsIn(RepositoryFiles.Read(path))
               select (path, call),
        ];
        Assert.Equal(
            BannedList.Natives.SelectMany(ban => ban.AllowedFiles.Select(file => $"{ban.Symbol} {file}")).Order(),
            found.Select(one => $"{one.Call} {one.Path}").Distinct().Order());
    }

    [Theory, MemberData(nameof(Guarded))]
    public void It_is_called_by_these_and_by_nobody_else(string what) => Assert.Equal(
        s_callers[what].Order(StringComparer.Ordinal), s_callersFound.Value[what].Order(StringComparer.Ordinal));

    [Fact]
    public void Every_import_that_locks_or_pins_is_guarded()
    {
        string[] imported =
        [
            .. from assembly in s_assemblies
               from type in assembly.GetTypes()
               from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
               where IsImport(method)
               select KeyOf(method),
        ];
        Assert.Contains("mlock", imported);
        Assert.Empty(imported.Intersect(BannedList.Natives.Select(ban => ban.Symbol)).Except(s_callers.Keys));
    }

    [Fact]
    public void No_mapping_is_born_locked_and_no_segment_is_locked()
    {
        const int MapLocked = 0x2000, LockSegment = 11;
        Type[] mappers = [typeof(UnixCalls), typeof(Allot.Maps.MirroredPages), typeof(RingCalls)];
        Assert.Equal(
            s_callers["mmap"].Select(name => name.Split('.')[0]).Distinct().Order(),
            mappers.Select(mapper => mapper.Name).Order());
        IEnumerable<long> flags =
            from mapper in mappers
            from constant in MetadataReferences.ConstantsIn(mapper)
            where constant > 0 && (constant & MapLocked) != 0
            select constant;
        Assert.Empty(flags);
        Assert.Contains(0x8001, MetadataReferences.ConstantsIn(typeof(RingCalls)));   // where there are some, they are found
        Type segments = typeof(ProcessGroup).Assembly.GetType("Allot.Processes.Native.SharedMemory", throwOnError: true)!;
        Assert.DoesNotContain(LockSegment, MetadataReferences.ConstantsIn(segments));
    }

    [Fact]
    public unsafe void What_the_library_pins_for_each_thread_is_within_what_is_said()
    {
        const BindingFlags Private = BindingFlags.NonPublic | BindingFlags.Static;
        int slots = (int)typeof(ThreadReserves).GetField("SlotCount", Private)!.GetRawConstantValue()! + 1;
        Type cell = typeof(ThreadGroups).GetNestedType("Cell", BindingFlags.NonPublic)!;
        const int Headers = 2 * 3 * sizeof(ulong);   // of two arrays
        int cellBytes = cell.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length
            * sizeof(ulong);
        Assert.InRange((slots * sizeof(ReserveSlot)) + cellBytes + Headers, 0, ThreadCells.BytesMax);
        string guide = RepositoryFiles.Read("docs/guides/pins.md");
        Assert.Contains($"{ThreadCells.BytesMax} bytes", guide, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_is_found_by_its_entry_point_its_name_or_its_export()
    {
        Assert.Equal(["mlockall"], ImportsIn("[LibraryImport(\"libc\", EntryPoint = \"mlockall\")]"));
        Assert.Equal(["VirtualLock"], ImportsIn("private static partial bool VirtualLock(nuint a, nuint b);"));
        Assert.Equal(["ibv_reg_mr"], ImportsIn("NativeLibrary.GetExport(library, \"ibv_reg_mr\")"));
        Assert.Empty(ImportsIn("(\"mlock\", 149), account.Pin(4096);"));
    }

    private static IEnumerable<string> ImportsIn(string source) => EntryPoint().Matches(source)
        .Concat(Export().Matches(source))
        .Concat(Declaration().Matches(source))
        .Select(match => match.Groups["call"].Value)
        .Where(call => BannedList.Natives.Any(ban => ban.Symbol == call));

    private static bool IsImport(MethodBase method) => method.GetCustomAttribute<LibraryImportAttribute>() is not null
        || (method.Attributes & MethodAttributes.PinvokeImpl) != 0;

    // What is imported goes by its name outside, and all ways to pin memory by one name.
    private static string KeyOf(MethodBase method)
    {
        if (method.GetCustomAttribute<LibraryImportAttribute>() is { } import) return import.EntryPoint ?? method.Name;
        if (method is MethodInfo { Name: "Pin" } pin && pin.ReturnType == typeof(MemoryHandle)) return "Memory.Pin";
        return NameOf(method);
    }

    // The outermost type, and the method as it stands in the source.
    private static string NameOf(MethodBase method)
    {
        string name = method.Name;
        Type type = method.DeclaringType!;
        for (; type.DeclaringType is { } outer; type = outer)
        {
            if (type.Name.StartsWith('<') && !name.StartsWith('<')) name = type.Name;
        }

        Match generated = Generated().Match(name);
        return $"{type.Name.Split('`')[0]}.{(generated.Success ? generated.Groups["method"].Value : name)}";
    }

    [GeneratedRegex("EntryPoint = \"(?<call>\\w+)\"")]
    private static partial Regex EntryPoint();

    [GeneratedRegex("GetExport\\(\\w+, \"(?<call>\\w+)\"\\)")]
    private static partial Regex Export();

    [GeneratedRegex(@"static partial \w+ (?<call>\w+)\(")]
    private static partial Regex Declaration();

    [GeneratedRegex("^<(?<method>\\w+)>")]
    private static partial Regex Generated();
}
