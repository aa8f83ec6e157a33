// Owners are numbers for programs: those of MapHandles, which the host writes into the memory of a run or into maps. 0
// is the owner that the run is about: its state, or the thread that runs, or the group that pays for the program.

using System.Net.Sockets;
using Allot.Maps;
using Microsoft.Win32.SafeHandles;

namespace Allot.Bpf;

/// <summary>Values that belong to threads, sockets, files and groups.</summary>
internal static unsafe class BpfStorageHelpers
{
    private const ulong Create = 1;

    public static IReadOnlyList<BpfHelper> All { get; } =
    [
        new(37, "current_task_under_cgroup", IsUnder)
        {
            Arguments = [BpfArgument.Map, BpfArgument.Number],
            MapTypes = [MapType.CgroupArray],
        },
        new(81, "get_local_storage", OfAttachedGroup)
        {
            Arguments = [BpfArgument.Map, BpfArgument.Number],
            MapTypes = [MapType.CgroupStorage, MapType.PerCpuCgroupStorage],
            Result = BpfResult.MapValueOrZero,
        },
        Get<Socket>(107, "sk_storage_get", MapType.SocketStorage),
        Delete<Socket>(108, "sk_storage_delete", MapType.SocketStorage),
        Get<SafeFileHandle>(145, "inode_storage_get", MapType.InodeStorage),
        Delete<SafeFileHandle>(146, "inode_storage_delete", MapType.InodeStorage),
        Get<Thread>(156, "task_storage_get", MapType.TaskStorage),
        Delete<Thread>(157, "task_storage_delete", MapType.TaskStorage),
        Get<MemoryGroup>(210, "cgrp_storage_get", MapType.CgroupOwnedStorage),
        Delete<MemoryGroup>(211, "cgrp_storage_delete", MapType.CgroupOwnedStorage),
    ];

    private static BpfHelper Get<T>(int number, string name, MapType type)
        where T : class =>
        new(number, name, static (run, map, owner, value, flags, _) => Get<T>(run, map, owner, value, flags))
        {
            Arguments = [BpfArgument.Map, BpfArgument.Number, BpfArgument.MapValueOrNone, BpfArgument.Number],
            MapTypes = [type],
            Result = BpfResult.MapValueOrZero,
            CopiesValue = true,
        };

    private static BpfHelper Delete<T>(int number, string name, MapType type)
        where T : class =>
        new(number, name, static (run, map, owner, _, _, _) => Delete<T>(run, map, owner))
        {
            Arguments = [BpfArgument.Map, BpfArgument.Number],
            MapTypes = [type],
        };

    // The value stays until the run ends, also when somebody deletes it meanwhile.
    private static ulong Get<T>(BpfExecution run, ulong map, ulong owner, ulong first, ulong flags)
        where T : class
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not LocalStorage<T> storage) return 0;
        if (flags > Create || Owner<T>(run, owner) is not { } target) return 0;
        if (flags == Create && !run.TryPayForValue(found)) return 0;
        byte* bytes = null;
        if (first != 0 && !run.TryRead(first, (int)found.Definition.ValueBytes, out bytes)) return 0;
        if (storage.Find(target, creates: flags == Create, bytes) is not { } value) return 0;
        if (run.Holds(value.Bytes)) value.Release();
        else run.Hold(value.Bytes, (int)found.Definition.ValueBytes, value);
        return (ulong)value.Bytes;
    }

    private static ulong Delete<T>(BpfExecution run, ulong map, ulong owner)
        where T : class
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not LocalStorage<T> storage) return 0;
        return Error(Owner<T>(run, owner) is { } target ? storage.Delete(target) : MapErrors.Invalid);
    }

    private static T? Owner<T>(BpfExecution run, ulong number)
        where T : class
    {
        if (number > uint.MaxValue) return null;
        if (number != 0) return MapHandles.TryFind((uint)number, out T? owner) ? owner : null;
        return run.State as T ?? Thread.CurrentThread as T ?? CurrentGroup(run) as T;
    }

    private static ulong OfAttachedGroup(BpfExecution run, ulong map, ulong flags, ulong r3, ulong r4, ulong r5) =>
        run.TryGetMap(map, out GroupMap? found) && flags == 0 && found is CgroupStorage storage
            ? (ulong)storage.Find(CurrentGroup(run))
            : 0;

    private static ulong IsUnder(BpfExecution run, ulong map, ulong index, ulong r3, ulong r4, ulong r5)
    {
        if (!run.TryGetMap(map, out GroupMap? found) || found is not CgroupArray groups) return 0;
        return Error(index > uint.MaxValue ? MapErrors.TooBig : groups.IsUnder((uint)index, CurrentGroup(run)));
    }

    private static MemoryGroup CurrentGroup(BpfExecution run) => AllocationContext.ActiveGroup ?? run.Group;

    private static ulong Error(int error) => (ulong)(long)error;
}
