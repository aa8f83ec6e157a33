// The right of one thread to write without locks, until a second one wants to.
//
// The writer says that it is inside with a plain store, and then looks whether its right has ended. Who ends the right
// says so first, makes every processor of the process pass a barrier, and waits until the writer is outside. Whichever
// of the two comes first, the other sees it: either the writer sees the end, or the barrier has made visible that it is
// inside. From then on all writers take locks, for good.
//
//   writer    1. inside: yes   2. ended?   3. writes   4. inside: no
//   others    1. ending   2. barrier of the process   3. wait for inside: no   4. ended
//
// Who the writer is, its stack says: the address of a local variable is in a page of the one thread that is alive and
// has this page for its stack. To ask for the number of a thread would be a call, before which all registers are saved.
// When the writer comes with another page, it asks who it is, and that page is the sign from then on: as long as it is
// alive, nobody else can have its old page. When it has ended, some other thread may have the page, and so the right;
// it can have it without asking because the two are one after the other. The model is
// tests/Allot.Model.Tests/Hashing/solewriter.pml.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

internal sealed unsafe class SoleWriter
{
    private const nuint PageBytes = 4096;   // or more: a part of a page is in one page
    private const nuint NoPage = 1;
    private const int IsGranted = 0, IsEnding = 1, IsEnded = 2;

    private readonly SteadyLock _endingLock = new();
    private nuint _page = NoPage;
    private int _isInside;
    private int _state = IsGranted;
    private Thread? _writer;

    /// <summary>For assertions.</summary>
    public bool IsInside => Volatile.Read(ref _isInside) != 0;

    /// <summary>The page of the stack of this thread that its caller is in.</summary>
    public static nuint Page
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        [SkipLocalsInit]
        get
        {
            byte here;
            return (nuint)(&here) & ~(PageBytes - 1);
        }
    }

    /// <summary>Whether this thread writes alone now. If so, it calls <see cref="Exit"/> afterwards; if not, it takes
    /// locks.</summary>
    /// <param name="page">From <see cref="Page"/>.</param>
    public bool TryEnter(nuint page)
    {
        if (page == Volatile.Read(ref _page)) return TryBegin() || GoOutside();
        return Volatile.Read(ref _state) != IsEnded && TryBecome(page);
    }

    /// <summary>The same where it has written alone before, without a call.</summary>
    /// <returns>False where it has to ask <see cref="TryEnter"/>, and does so at once.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnterAgain(nuint page) => page == Volatile.Read(ref _page) && TryBegin();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => Volatile.Write(ref _isInside, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryBegin()
    {
        Volatile.Write(ref _isInside, 1);
        return Volatile.Read(ref _state) == IsGranted;
    }

    // Who no longer has the right writes nothing here any more: the others read it.
    private bool GoOutside()
    {
        Volatile.Write(ref _isInside, 0);
        Volatile.Write(ref _page, NoPage);
        return false;
    }

    private bool TryBecome(nuint page)
    {
        Thread me = Thread.CurrentThread;
        if (Volatile.Read(ref _writer) == me || Interlocked.CompareExchange(ref _writer, me, null) is null)
        {
            Volatile.Write(ref _page, page);
            return TryBegin() || GoOutside();
        }

        using (_endingLock.EnterScope())
        {
            if (Volatile.Read(ref _state) == IsEnded) return false;
            Volatile.Write(ref _state, IsEnding);
            Interlocked.MemoryBarrierProcessWide();
            SteadySpin spin = default;
            while (Volatile.Read(ref _isInside) != 0) spin.Once();
            Volatile.Write(ref _state, IsEnded);
        }

        return false;
    }
}
