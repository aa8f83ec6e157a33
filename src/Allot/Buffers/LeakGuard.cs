// How a forgotten buffer is noticed: by an object with a finalizer that dies with the buffer it guards. To make one
// takes longer than all else of a buffer, so guards are used again: a buffer that is freed in time gives its guard to
// the thread that has freed it.
//
// A span into a buffer does not keep it alive, and a span may be all that is left of it in a method. So the block of a
// forgotten buffer is freed only at the second collection that finds it dead, which is of an older generation and comes
// much later.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Allot;

internal sealed class LeakGuard
{
    private const int SparesMost = 16;

    // Those of a thread that has ended are collected. One reference: each that is looked up takes its time.
    [ThreadStatic] private static Spares? t_spares;

    private GroupBuffer? _buffer;
    private bool _wasFoundDead;
    private bool _isUsedUp;

    private LeakGuard()
    {
    }

    ~LeakGuard()
    {
        if (_buffer is not { } buffer)
        {
            _isUsedUp = true;   // its buffer was freed by another finalizer, after both were found dead
        }
        else if (_wasFoundDead)
        {
            buffer.FreeForgotten();
        }
        else
        {
            _wasFoundDead = true;
            GC.ReRegisterForFinalize(this);
        }
    }

    /// <summary>A guard for a buffer, which has to be told of it by <see cref="Guard"/>.</summary>
    public static LeakGuard Take()
    {
        if (t_spares is not { } spares) return new LeakGuard();
        while (spares.Count > 0)
        {
            ref LeakGuard? last = ref spares.Guards[--spares.Count];
            LeakGuard spare = last!;
            last = null;   // from here on only its buffer has it
            if (!spare._isUsedUp) return spare;
        }

        return new LeakGuard();
    }

    public void Guard(GroupBuffer buffer)
    {
        Debug.Assert(_buffer is null, "A guard guards one buffer.");
        _buffer = buffer;
    }

    /// <summary>The buffer was freed.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "It guards nothing any more.")]
    public void Leave()
    {
        _buffer = null;
        _wasFoundDead = false;
        Spares spares = t_spares ??= new Spares();
        if (spares.Count == SparesMost)
        {
            GC.SuppressFinalize(this);
            return;
        }

        spares.Guards[spares.Count++] = this;
    }

    // Guards without a buffer. Not a list of links: each reference that is written into an old object takes its time.
    private sealed class Spares
    {
        public readonly LeakGuard?[] Guards = new LeakGuard?[SparesMost];
        public int Count;
    }
}
