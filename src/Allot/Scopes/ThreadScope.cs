using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>A scope of the calling thread, from <see cref="AllocationScope"/>: it holds until it is disposed.</summary>
/// <remarks>It belongs to the thread, and the compiler does not let it cross an <c>await</c>. Costs about a nanosecond
/// and allocates nothing. The default value guards nothing.</remarks>
public ref struct ThreadScope : IDisposable
{
    private readonly ulong _outer;
    private ulong _mine;

    internal ThreadScope(ulong outer, ulong mine)
    {
        _outer = outer;
        _mine = mine;
    }

    /// <summary>Leaves the scope: what held before holds again. Safe to call twice.</summary>
    /// <remarks>A copy does not know that the scope was left by the original. It does nothing as long as no other scope
    /// is open that was entered since; otherwise it throws.</remarks>
    /// <exception cref="ScopeMisuseException">A scope that was entered later is still open, or this one was entered by
    /// another thread; nothing has changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        if (_mine == 0) return;
        ThreadContext.Leave(_outer, _mine);
        _mine = 0;
    }

    /// <summary>The same.</summary>
    /// <returns>False when it was left before, by a copy of this guard too.</returns>
    internal bool Leave()
    {
        bool isLeft = _mine != 0 && ThreadContext.Leave(_outer, _mine);
        _mine = 0;
        return isLeft;
    }
}
