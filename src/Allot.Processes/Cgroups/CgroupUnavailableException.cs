namespace Allot.Processes.Cgroups;

/// <summary>No memory cgroup could be made here. The message says what is missing and how to get it.</summary>
internal sealed class CgroupUnavailableException(string message) : Exception(message);
