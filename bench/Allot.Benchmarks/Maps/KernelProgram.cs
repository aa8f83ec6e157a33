// A program of the kernel that finds random keys of a map in a row, and reads a part of each value. What it costs comes
// from
// the kernel's own test runs, which time many runs of a program without the system call.

using Allot.Benchmarks.Runner;
using Allot.Testing;

namespace Allot.Benchmarks.Maps;

internal sealed unsafe class KernelProgram : IDisposable
{
    public const int LookupsPerRun = 64;

    private const ulong Step = 6364136223846793005;
    private const int Array = 2;

    private readonly int _state = KernelBpf.TryCreateMap(Array, sizeof(uint), sizeof(ulong), 1);
    private readonly int _program;

    /// <param name="map">The descriptor of a map of keys of 8 bytes.</param>
    /// <param name="keyFactor">A key is a number times this.</param>
    /// <param name="keysLog2">How many numbers there are.</param>
    public KernelProgram(int map, ulong keyFactor, int keysLog2)
    {
        uint key = 0;
        ulong start = 1;
        if (_state < 0 || KernelBpf.Element(KernelBpf.Update, _state, &key, &start) < 0)
        {
            throw new BenchmarkException("The kernel makes no array.");
        }

        _program = KernelBpf.Load(Code(map, keyFactor, keysLog2));
        if (_program < 0) throw new BenchmarkException($"The kernel refuses the program: error {_program}.");
    }

    /// <summary>The nanoseconds of a lookup.</summary>
    public Sample Measure(int runs)
    {
        long nanoseconds = KernelBpf.Run(_program, runs);
        if (nanoseconds < 0) throw new BenchmarkException($"The kernel does not run the program: error {nanoseconds}.");
        return Sample.Of(InProcess.Number, (double)nanoseconds / LookupsPerRun);
    }

    public void Dispose()
    {
        _ = KernelBpf.Close(_program);
        _ = KernelBpf.Close(_state);
    }

    // r6 the state in its array, r7 the state, r8 the factor of its steps, r9 a sum.
    private ulong[] Code(int map, ulong keyFactor, int keysLog2)
    {
        const int LookupHelper = 1;
        var code = new List<ulong>
        {
            Instruction(0x62, 10, 0, -4, 0),            // *(u32 *)(r10 - 4) = 0
            Instruction(0x18, 1, 1, 0, _state), 0,      // r1 = the array
            Instruction(0xbf, 2, 10, 0, 0),             // r2 = r10 - 4
            Instruction(0x07, 2, 0, 0, -4),
            Instruction(0x85, 0, 0, 0, LookupHelper),
            Instruction(0x55, 0, 0, 1, 0),              // if r0 != 0 skip
            Instruction(0x95, 0, 0, 0, 0),              // exit
            Instruction(0xbf, 6, 0, 0, 0),              // r6 = r0
            Instruction(0x79, 7, 6, 0, 0),              // r7 = *(u64 *)r6
            Wide(8, Step), Upper(Step),                 // r8 = the factor
            Instruction(0xb7, 9, 0, 0, 0),              // r9 = 0
        };
        for (int i = 0; i < LookupsPerRun; i++)
        {
            code.AddRange(
            [
                Instruction(0x2f, 7, 8, 0, 0),              // r7 = r7 * r8 + 12345
                Instruction(0x07, 7, 0, 0, 12345),
                Instruction(0xbf, 1, 7, 0, 0),              // r1 = r7 >> ...
                Instruction(0x77, 1, 0, 0, 64 - keysLog2),
                Wide(2, keyFactor), Upper(keyFactor),       // r1 *= the factor of keys
                Instruction(0x2f, 1, 2, 0, 0),
                Instruction(0x7b, 10, 1, -16, 0),           // *(u64 *)(r10 - 16) = r1
                Instruction(0x18, 1, 1, 0, map), 0,         // r1 = the map
                Instruction(0xbf, 2, 10, 0, 0),             // r2 = r10 - 16
                Instruction(0x07, 2, 0, 0, -16),
                Instruction(0x85, 0, 0, 0, LookupHelper),
                Instruction(0x15, 0, 0, 2, 0),              // if r0 == 0 skip
                Instruction(0x79, 1, 0, 0, 0),              // r9 += *(u64 *)r0
                Instruction(0x0f, 9, 1, 0, 0),
            ]);
        }

        code.Add(Instruction(0x7b, 6, 7, 0, 0));            // *(u64 *)r6 = r7
        code.Add(Instruction(0xbf, 0, 9, 0, 0));            // return r9
        code.Add(Instruction(0x95, 0, 0, 0, 0));
        return [.. code];
    }

    private static ulong Wide(int register, ulong number) => Instruction(0x18, register, 0, 0, (int)(uint)number);

    private static ulong Upper(ulong number) => number >> 32 << 32;

    private static ulong Instruction(byte operation, int target, int source, short offset, int number) =>
        operation
        | ((ulong)target << 8)
        | ((ulong)source << 12)
        | ((ulong)(ushort)offset << 16)
        | ((ulong)(uint)number << 32);
}
