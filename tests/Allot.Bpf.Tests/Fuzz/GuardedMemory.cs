using System.Runtime.InteropServices;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Memory of at most a page between two pages that nobody may touch: whoever does ends the process.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const byte Guard = 0xa5;
    private const int ReadAndWrite = 3, PrivateAnonymous = 0x22;

    private readonly int _pageBytes = Environment.SystemPageSize;
    private readonly byte* _pages;
    private int _at;
    private int _length;

    public GuardedMemory()
    {
        nint pages = Map(0, 3 * _pageBytes, 0, PrivateAnonymous, -1, 0);
        if (pages == -1 || Protect(pages + _pageBytes, _pageBytes, ReadAndWrite) != 0)
        {
            throw new InvalidOperationException($"no memory between guards: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        _pages = (byte*)pages;
    }

    /// <summary>What was put there, as it is now.</summary>
    public Span<byte> Held => Page.Slice(_at, _length);

    /// <summary>Whether nothing around it has been written.</summary>
    public bool IsWhole => !Page[.._at].ContainsAnyExcept(Guard) && !Page[(_at + _length)..].ContainsAnyExcept(Guard);

    private Span<byte> Page => new(_pages + _pageBytes, _pageBytes);

    /// <summary>Makes a copy of the bytes, right behind the first guard or right before the second one.</summary>
    public void Put(ReadOnlySpan<byte> bytes, bool atEnd)
    {
        Page.Fill(Guard);
        (_at, _length) = (atEnd ? _pageBytes - bytes.Length : 0, bytes.Length);
        bytes.CopyTo(Held);
    }

    public void Dispose() => _ = Unmap((nint)_pages, 3 * _pageBytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nint bytes, int access, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nint bytes, int access);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint bytes);
}
