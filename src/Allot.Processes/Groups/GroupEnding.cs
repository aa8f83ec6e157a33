using Allot.Processes.Launching;

namespace Allot.Processes;

/// <summary>How a group ended.</summary>
/// <param name="Status">Of the command.</param>
/// <param name="Duration">From the start of the command to its end.</param>
/// <param name="Leftovers">Members that outlived the command and were ended.</param>
internal readonly record struct GroupEnding(ExitStatus Status, TimeSpan Duration, int Leftovers);
