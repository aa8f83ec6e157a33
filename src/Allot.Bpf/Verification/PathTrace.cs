using System.Diagnostics;

namespace Allot.Bpf;

/// <summary>The instructions of all paths, each with the one before it: paths that part share what is before.</summary>
internal sealed class PathTrace
{
    /// <summary>Before the first instruction.</summary>
    public const int None = -1;

    private Step[] _steps = new Step[256];
    private int _count;

    /// <summary>The bytes that it takes.</summary>
    public long ScratchBytes => (long)_steps.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<Step>();

    public ref Step this[int index] => ref _steps[index];

    /// <summary>Goes on after a step.</summary>
    /// <param name="previous">The last step of the path.</param>
    /// <param name="instruction">The instruction; below 0 for a state that is remembered here.</param>
    /// <returns>The new step.</returns>
    public int Add(int previous, int instruction)
    {
        Debug.Assert(previous is >= None && previous < _count, "A step is after another one of its path.");
        if (_count == _steps.Length) Array.Resize(ref _steps, 2 * _count);
        _steps[_count] = new Step { Previous = previous, Instruction = instruction };
        return _count++;
    }

    public struct Step
    {
        public int Previous;

        public int Instruction;

        /// <summary>Of a load or store at a certain place in a stack: see <see cref="PlaceOf"/>. Of a conditional jump
        /// from which more learn than what is compared: 1 + their index. Of a call of a helper: 1 when the helper
        /// calls back; of the exit of what it calls, too. Otherwise 0.</summary>
        public int Extra;
    }

    /// <summary>1 + the place of a byte of the stack of a function.</summary>
    public static int PlaceOf(int frame, int offset) =>
        1 + (frame * BpfExecution.FrameBytes) + offset + BpfExecution.FrameBytes;
}
