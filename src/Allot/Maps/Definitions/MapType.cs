namespace Allot.Maps;

/// <summary>The types of maps, with the numbers of Linux.</summary>
public enum MapType
{
    /// <summary>No map.</summary>
    None = 0,

    /// <summary>Values by keys of any bytes.</summary>
    Hash = 1,

    /// <summary>Keys are indices; every element exists from the start, zeroed.</summary>
    Array = 2,

    /// <summary>Programs that a tail call goes to.</summary>
    ProgramArray = 3,

    /// <summary>Outputs of programs, one for each processor.</summary>
    PerfEventArray = 4,

    /// <summary>A hash with a value for each processor.</summary>
    PerCpuHash = 5,

    /// <summary>An array with a value for each processor.</summary>
    PerCpuArray = 6,

    /// <summary>Stack traces by number.</summary>
    StackTrace = 7,

    /// <summary>Groups by index.</summary>
    CgroupArray = 8,

    /// <summary>A hash that, when full, drops what was not used for long.</summary>
    LruHash = 9,

    /// <summary>The same with a value for each processor.</summary>
    LruPerCpuHash = 10,

    /// <summary>Values by the longest prefix of a key.</summary>
    LpmTrie = 11,

    /// <summary>Maps by index.</summary>
    ArrayOfMaps = 12,

    /// <summary>Maps by keys of any bytes.</summary>
    HashOfMaps = 13,

    /// <summary>Devices by index.</summary>
    DevMap = 14,

    /// <summary>Sockets by index.</summary>
    SockMap = 15,

    /// <summary>Queues of work by processor.</summary>
    CpuMap = 16,

    /// <summary>Sockets of whole packets by index.</summary>
    XskMap = 17,

    /// <summary>Sockets by keys of any bytes.</summary>
    SockHash = 18,

    /// <summary>A value for each group that a program is attached to.</summary>
    CgroupStorage = 19,

    /// <summary>Sockets that share a port, by index.</summary>
    ReuseportSockArray = 20,

    /// <summary>A value for each group and processor.</summary>
    PerCpuCgroupStorage = 21,

    /// <summary>Values, first in first out.</summary>
    Queue = 22,

    /// <summary>Values, last in first out.</summary>
    Stack = 23,

    /// <summary>A value of each socket.</summary>
    SocketStorage = 24,

    /// <summary>Devices by keys.</summary>
    DevMapHash = 25,

    /// <summary>A table of functions.</summary>
    StructOps = 26,

    /// <summary>Records from programs to the host.</summary>
    RingBuffer = 27,

    /// <summary>A value of each file.</summary>
    InodeStorage = 28,

    /// <summary>A value of each task.</summary>
    TaskStorage = 29,

    /// <summary>A set that may say yes by mistake, and never no.</summary>
    BloomFilter = 30,

    /// <summary>Records from the host to programs.</summary>
    UserRingBuffer = 31,

    /// <summary>A value of each group.</summary>
    CgroupOwnedStorage = 32,

    /// <summary>Pages that programs and the host share.</summary>
    Arena = 33,

    /// <summary>Targets of jumps. No kernel that is a profile here has it.</summary>
    InstructionArray = 34,
}
