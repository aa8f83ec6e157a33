// What the kernel lets this process lock. The capability is that of the calling thread: on Linux each has its own. It
// counts only in the first user namespace: root of a container in one of its own does not pass the limit.

using System.Runtime.InteropServices;

namespace Allot;

internal static unsafe partial class ProcessRights
{
    private const int LimitMemoryLock = 8, CapabilityIpcLock = 14, CapabilityWords = 6;
    private const uint CapabilityVersion3 = 0x20080522;

    private static readonly bool s_isFirstNamespace = ReadIsFirstNamespace();

    public static long ReadLockLimit()
    {
        if (!OperatingSystem.IsLinux()) return MemoryGroup.Unlimited;
        Limit limit;
        if (GetLimit(LimitMemoryLock, &limit) != 0 || limit.Current >= long.MaxValue) return MemoryGroup.Unlimited;
        return (long)limit.Current & -Environment.SystemPageSize;
    }

    public static bool MayPassLockLimit()
    {
        if (!OperatingSystem.IsLinux()) return false;
        CapabilityHeader header = new() { Version = CapabilityVersion3 };
        uint* sets = stackalloc uint[CapabilityWords];   // the effective ones first
        bool isKnown = GetCapabilities(&header, sets) == 0;
        return isKnown && s_isFirstNamespace && (sets[0] & (1u << CapabilityIpcLock)) != 0;
    }

    // "0 0 4294967295": every id is itself.
    private static bool ReadIsFirstNamespace()
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            string[] words = File.ReadAllText("/proc/self/uid_map")
                .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
            return words is ["0", "0", "4294967295"];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return true;   // a kernel without user namespaces has one
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, Limit* limit);

    [LibraryImport("libc", EntryPoint = "capget")]
    private static partial int GetCapabilities(CapabilityHeader* header, uint* sets);

    private struct Limit
    {
        public ulong Current;
        public ulong Max;
    }

    private struct CapabilityHeader
    {
        public uint Version;
        public int ThreadId;   // 0: the caller
    }
}
