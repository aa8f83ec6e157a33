// Every intercepted call waits for the methods that receive, decide and answer. The published command is compiled ahead
// of time, without what only the running program knows; better code replaces that only after seconds of use. These few
// methods are worth compiling at once, which takes milliseconds beside the start of the command: an answer is some 5 %
// faster from the first second on (bench/results/roundtrip.md).

using System.Runtime.CompilerServices;

namespace Allot.Processes.Native;

/// <summary>How methods are compiled that every intercepted call waits for.</summary>
internal static class AnsweringPath
{
    public const MethodImplOptions Method = MethodImplOptions.AggressiveOptimization;
}
