using System.Runtime.InteropServices;

namespace Allot.Tests.PinSources;

/// <summary>A child of this process that runs nothing of .NET: what it finds at an address, and of its own locks.
/// </summary>
internal sealed unsafe class ForkedChild : IDisposable
{
    private readonly CompiledLibrary _library = new("fork.c");

    /// <summary>Forks; the child looks at 32 bytes, and locks.</summary>
    public Found Look(nint address, long bytes)
    {
        var look = (delegate* unmanaged<nint, nuint, Found*, int>)_library.Export("look_in_child");
        Found found;
        Assert.Equal(0, look(address, (nuint)bytes, &found));
        return found;
    }

    /// <summary>Forks; the child has all that it maps from then on locked (<c>MCL_FUTURE</c>), and maps twice.</summary>
    public Future LockFuture(long tooLargeBytes, long fittingBytes)
    {
        var lockFuture = (delegate* unmanaged<nuint, nuint, Future*, int>)_library.Export("lock_future_in_child");
        Future future;
        Assert.Equal(0, lockFuture((nuint)tooLargeBytes, (nuint)fittingBytes, &future));
        return future;
    }

    public void Dispose() => _library.Dispose();

    /// <summary>struct future of fork.c.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Future
    {
        private readonly int _lockError;
        private readonly int _tooLargeError;
        private readonly int _fitsError;
        private readonly nint _lockedKib;

        public int LockError => _lockError;

        public int TooLargeError => _tooLargeError;

        public int FitsError => _fitsError;

        public long LockedBytes => _lockedKib * 1024;
    }

    /// <summary>struct found of fork.c.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Found
    {
        private readonly nint _lockedKib;
        private readonly nint _lockedAgainKib;
        private readonly int _lockError;
        private readonly int _isThere;
        private fixed byte _content[32];

        public readonly long LockedBytes => _lockedKib * 1024;

        public readonly long LockedAgainBytes => _lockedAgainKib * 1024;

        public readonly int LockError => _lockError;

        public readonly bool IsThere => _isThere != 0;

        public readonly byte[] Content
        {
            get
            {
                fixed (byte* content = _content) return new Span<byte>(content, 32).ToArray();
            }
        }
    }
}
