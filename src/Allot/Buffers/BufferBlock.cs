// The block of a buffer, and all there is to know of it: the part of a buffer that is used again.
//
// A forgotten buffer is noticed by an object with a finalizer that dies with it, and to make such an object takes
// longer than all else of a buffer. So these are used again: a buffer that is freed in time leaves its BufferBlock to
// the thread that has freed it. What users have in their hands is a GroupBuffer, which is new each time and refers to
// this one, never the other way round: a new object that an old one refers to is more work for the collector.
//
// Lives. Each use is a *life* with a number. Who acts on a block says for which life, and both are in one word, so a
// buffer that was disposed, and by a race of two threads has not noticed yet, can do nothing to whoever is next:
//   _state == life << 24 | pins << 2 | InUse | Disposed
// The block is freed once, by whoever makes the state one of the next life: Dispose if nobody has it pinned, otherwise
// the last Unpin, or the finalizer. Life 2^40 of one object is never reached.
//
// A span into a buffer does not keep it alive, and a span may be all that is left of it in a method. So the block of a
// forgotten buffer is freed only at the second collection that finds it dead, which is of an older generation and comes
// much later.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe class BufferBlock
{
    private const long Disposed = 1, InUse = 2, OnePin = 4, OneLife = 1 << 24;
    private const long PinsMask = OneLife - OnePin, LifeMask = ~(OneLife - 1);
    private const int SparesMost = 16;

    // Those of a thread that has ended are collected. One reference: each that is looked up takes its time.
    [ThreadStatic] private static Spares? t_spares;

    private long _state;

    // Of this life; null and nothing where there is none. Written by who begins the life, and by who has ended it.
    private byte* _address;
    private BufferHold? _hold;
    private BufferOrigin? _origin;

    private bool _wasFoundDead;

    // It has no finalizer any more, and cannot be used again.
    private bool _isUsedUp;

    // The finalizer has freed it, and who still has it may not know: a pin that is taken off then is no mistake.
    private bool _isForgotten;

    private BufferBlock()
    {
    }

    ~BufferBlock()
    {
        if ((Volatile.Read(ref _state) & InUse) == 0)
        {
            _isUsedUp = true;   // its buffer was freed by another finalizer, after both were found dead
        }
        else if (_wasFoundDead)
        {
            FreeForgotten();
        }
        else
        {
            _wasFoundDead = true;
            GC.ReRegisterForFinalize(this);
        }
    }

    /// <summary>What may be used, in this life.</summary>
    public long Bytes { get; private set; }

    /// <summary>The first byte, in this life.</summary>
    public byte* Address => _address;

    /// <summary>What it is held by; null for nothing.</summary>
    public BufferHold? Hold
    {
        set => _hold = value;
    }

    /// <summary>Where it is from; null while nobody wants to know.</summary>
    public BufferOrigin? Origin
    {
        get => _origin;
        set => _origin = value;
    }

    /// <summary>One that nobody uses.</summary>
    /// <param name="life">The life that <see cref="Begin"/> begins.</param>
    public static BufferBlock Take(out long life)
    {
        BufferBlock? taken = t_spares is { Count: > 0 } spares ? spares.Pop() : null;
        if (taken is null || taken._isUsedUp) taken = TakeOther();
        Debug.Assert((taken._state & ~LifeMask) == 0, "Nobody uses what is spare.");
        life = taken._state | InUse;
        return taken;
    }

    /// <summary>Begins its life, with a block.</summary>
    public void Begin(long life, byte* address)
    {
        Debug.Assert(_address == null, "It has one block at a time.");
        Debug.Assert((life & LifeMask) == _state, "Only who has taken it begins its life.");
        Bytes = GroupMemory.Shared.UsableBytesOf(address);
        _address = address;
        Volatile.Write(ref _state, life);   // from here on it is guarded
    }

    /// <summary>Whether it may be used in that life.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsIn(long life) => (Volatile.Read(ref _state) & ~PinsMask) == life;

    /// <summary>Ends that life, or has the last pin end it. Nothing in any other.</summary>
    /// <returns>Whether this has ended it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Dispose(long life)
    {
        long seen = Interlocked.CompareExchange(ref _state, NextOf(life), life);
        if (seen != life) return DisposePinned(life, seen);
        Free();
        return true;
    }

    /// <returns>False when it is disposed.</returns>
    /// <exception cref="InvalidOperationException">It is pinned millions of times.</exception>
    public bool TryPin(long life)
    {
        long before = Volatile.Read(ref _state);
        while ((before & ~PinsMask) == life)
        {
            if ((before & PinsMask) == PinsMask) throw new InvalidOperationException("The buffer has too many pins.");
            long seen = Interlocked.CompareExchange(ref _state, before + OnePin, before);
            if (seen == before) return true;
            before = seen;
        }

        return false;
    }

    public static InvalidOperationException NotPinned() => new("The buffer is unpinned more often than pinned.");

    /// <returns>Whether this has ended the life.</returns>
    /// <exception cref="InvalidOperationException">It is not pinned.</exception>
    public bool Unpin(long life)
    {
        long before = Volatile.Read(ref _state);
        while (true)
        {
            bool isPinned = (before & ~PinsMask & ~Disposed) == life && (before & PinsMask) != 0;
            if (!isPinned)
            {
                if (_isForgotten) return false;
                throw NotPinned();
            }

            long after = before - OnePin;
            if (after == (life | Disposed)) after = NextOf(life);
            long seen = Interlocked.CompareExchange(ref _state, after, before);
            if (seen == before)
            {
                bool isEnded = after == NextOf(life);
                if (isEnded) Free();
                return isEnded;
            }

            before = seen;
        }
    }

    /// <summary>Nobody can reach the buffer any more: frees the block if nobody has, and counts the leak.</summary>
    public void FreeForgotten()
    {
        for (long seen = Volatile.Read(ref _state); (seen & InUse) != 0;)
        {
            _isForgotten = true;
            long before = Interlocked.CompareExchange(ref _state, NextOf(seen), seen);
            if (before == seen)
            {
                BufferLeaks.Note(this);
                _hold?.ReportLeak();
                FreeBlock();
                return;
            }

            // Another finalizer has let somebody use it after all.
            _isForgotten = false;
            seen = before;
        }

        _isUsedUp = true;
    }

    private static long NextOf(long life) => (life & LifeMask) + OneLife;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool DisposePinned(long life, long seen)
    {
        while ((seen & ~PinsMask) == life)
        {
            bool isPinned = (seen & PinsMask) != 0;
            long before = Interlocked.CompareExchange(ref _state, isPinned ? seen | Disposed : NextOf(life), seen);
            if (before == seen)
            {
                if (!isPinned) Free();
                return !isPinned;
            }

            seen = before;
        }

        return false;
    }

    private void Free()
    {
        _wasFoundDead = false;
        byte* address = _address;
        if (_hold is not null || _origin is not null) EndHold();
        _address = null;
        Leave();
        GroupMemory.Free(address);
    }

    private void FreeBlock()
    {
        byte* address = _address;
        EndHold();
        _address = null;
        GroupMemory.Free(address);
    }

    private void EndHold()
    {
        _hold?.Dispose();
        _hold = null;
        _origin = null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static BufferBlock TakeOther()
    {
        while (t_spares is { Count: > 0 } spares)
        {
            BufferBlock spare = spares.Pop();
            if (!spare._isUsedUp) return spare;
        }

        return new BufferBlock();
    }

    [SuppressMessage("Usage", "CA1816", Justification = "It guards nothing any more.")]
    private void Leave()
    {
        Spares spares = t_spares ??= new Spares();
        if (spares.Count == SparesMost)
        {
            GC.SuppressFinalize(this);
            return;
        }

        spares.Push(this);
    }

    // Those without a life. Not a list of links: each reference that is written into an old object takes its time.
    private sealed class Spares
    {
        private readonly BufferBlock?[] _blocks = new BufferBlock?[SparesMost];

        public int Count { get; private set; }

        public BufferBlock Pop()
        {
            ref BufferBlock? last = ref _blocks[--Count];
            BufferBlock popped = last!;
            last = null;   // from here on only its buffer has it
            return popped;
        }

        public void Push(BufferBlock block) => _blocks[Count++] = block;
    }
}
