namespace Allot.Maps;

/// <summary>The sizes in a kernel that its figure <c>memlock</c> is made of. Those of the default are of Linux 6.18 on
/// x86-64, as recorded; another kernel has others.</summary>
public sealed record KernelProfile
{
    /// <summary>Linux 6.18, on this machine's number of processors.</summary>
    public static KernelProfile Default { get; } = new();

    /// <summary>What the profile is called.</summary>
    public string Name { get; init; } = "Linux 6.18";

    /// <summary>The processors that the machine may have.</summary>
    public int Processors { get; init; } = Environment.ProcessorCount;

    /// <summary>The most processors that the kernel was built for.</summary>
    public int ProcessorsMax { get; init; } = 256;

    /// <summary>The size of a page.</summary>
    public int PageBytes { get; init; } = 4096;

    /// <summary>The header of arrays of all kinds.</summary>
    public int ArrayBytes { get; init; } = 312;

    /// <summary>The header of hashes of all kinds.</summary>
    public int HashBytes { get; init; } = 832;

    /// <summary>A bucket of a hash.</summary>
    public int HashBucketBytes { get; init; } = 16;

    /// <summary>An element of a hash without key and value.</summary>
    public int HashElementBytes { get; init; } = 48;

    /// <summary>The counters of a hash for each processor.</summary>
    public int HashLockBytes { get; init; } = 32;

    /// <summary>A node of a trie without key and value.</summary>
    public int TrieNodeBytes { get; init; } = 24;

    /// <summary>The header of a queue and of a stack.</summary>
    public int QueueBytes { get; init; } = 312;

    /// <summary>The header of a ring buffer.</summary>
    public int RingBytes { get; init; } = 304;

    /// <summary>The header of a map of stack traces.</summary>
    public int StackTraceBytes { get; init; } = 320;

    /// <summary>A stack trace without its frames.</summary>
    public int StackTraceElementBytes { get; init; } = 16;

    /// <summary>The header of a map of devices.</summary>
    public int DevMapBytes { get; init; } = 344;

    /// <summary>A device in such a map.</summary>
    public int DeviceBytes { get; init; } = 64;

    /// <summary>The header of a map of processors.</summary>
    public int CpuMapBytes { get; init; } = 304;

    /// <summary>The header of a map of XDP sockets.</summary>
    public int XskMapBytes { get; init; } = 304;

    /// <summary>The header of an array of sockets.</summary>
    public int SockMapBytes { get; init; } = 376;

    /// <summary>The header of a hash of sockets.</summary>
    public int SockHashBytes { get; init; } = 384;

    /// <summary>The header of an array of sockets that share a port.</summary>
    public int ReuseportBytes { get; init; } = 296;

    /// <summary>The header of the storage of groups and programs.</summary>
    public int CgroupStorageBytes { get; init; } = 328;

    /// <summary>The header of a local storage.</summary>
    public int LocalStorageBytes { get; init; } = 448;

    /// <summary>The header of a Bloom filter.</summary>
    public int BloomBytes { get; init; } = 312;

    /// <summary>The header of a table of functions.</summary>
    public int StructOpsBytes { get; init; } = 512;

    /// <summary>A program without its instructions.</summary>
    public int ProgramBytes { get; init; } = 96;
}
