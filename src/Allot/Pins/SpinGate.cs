// A lock for a few steps that call nobody: taken by one atomic step, left by a write. Who finds it taken goes round
// until it is free; Thread.Interrupt does not end that.

using System.Diagnostics;

namespace Allot;

internal sealed class SpinGate
{
    private int _isTaken;

    // Who has it, in builds that look.
    private int _holder;

    /// <summary>Whether this thread has it; where nothing is checked, whether anybody has.</summary>
    public bool IsHeld
    {
        get
        {
            bool isHeld = Volatile.Read(ref _isTaken) != 0;
            return isHeld && (_holder == 0 || _holder == Environment.CurrentManagedThreadId);
        }
    }

    /// <summary>Enters; never again by its holder. Dispose what is returned to leave.</summary>
    public Scope EnterScope()
    {
        if (Interlocked.CompareExchange(ref _isTaken, 1, 0) != 0) EnterTaken();
        NoteHolder(Environment.CurrentManagedThreadId);
        return new Scope(this);
    }

    private void EnterTaken()
    {
        Debug.Assert(_holder != Environment.CurrentManagedThreadId, "Who has the gate does not enter it again.");
        SteadySpin spin = default;
        while (Volatile.Read(ref _isTaken) != 0 || Interlocked.CompareExchange(ref _isTaken, 1, 0) != 0) spin.Once();
    }

    [Conditional("DEBUG")]
    private void NoteHolder(int thread) => _holder = thread;

    public readonly ref struct Scope(SpinGate gate)
    {
        public void Dispose()
        {
            gate.NoteHolder(0);
            Volatile.Write(ref gate._isTaken, 0);
        }
    }
}
