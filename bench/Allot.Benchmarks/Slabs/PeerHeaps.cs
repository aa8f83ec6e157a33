// The allocators that Allot is compared with. The C libraries are called with SuppressGCTransition, which is what a
// caller who wants the last nanosecond would do; strictly, it is only legal while they do not ask the kernel for memory,
// which is what a warm loop does not.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Slabs;

/// <summary>Blocks that nobody is charged for.</summary>
internal static unsafe partial class PeerHeaps
{
    public const string Mimalloc = "libmimalloc.so.2", Jemalloc = "libjemalloc.so.2", Tcmalloc = "libtcmalloc_minimal.so.4";

    public static HeapSubject MimallocSubject { get; } =
        new("mimalloc", static _ => new HeapLoop<MimallocHeap, nint>(default(MimallocHeap)));

    public static IReadOnlyList<HeapSubject> All { get; } =
    [
        MimallocSubject,
        .. WhereItLoads(Jemalloc,
            new HeapSubject("jemalloc", static _ => new HeapLoop<JemallocHeap, nint>(default(JemallocHeap)))),
        new("tcmalloc", static _ => new HeapLoop<TcmallocHeap, nint>(default(TcmallocHeap))),
        new("NativeMemory", static _ => new HeapLoop<NativeHeap, nint>(default(NativeHeap))),
        new("ArrayPool.Shared", static _ => new HeapLoop<PoolHeap, byte[]>(default(PoolHeap))),
    ];

    // jemalloc wants more static thread-local storage than glibc keeps for libraries that are loaded late: it loads only
    // with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384.
    private static HeapSubject[] WhereItLoads(string library, HeapSubject subject) =>
        NativeLibrary.TryLoad(library, out _) ? [subject] : [];

    private readonly struct MimallocHeap : IHeap<nint>, IHeapSource<MimallocHeap>
    {
        public MimallocHeap Open() => this;

        public nint Allocate(nuint bytes) => MiMalloc(bytes);

        public void Free(nint block) => MiFree(block);
    }

    private readonly struct JemallocHeap : IHeap<nint>, IHeapSource<JemallocHeap>
    {
        public JemallocHeap Open() => this;

        public nint Allocate(nuint bytes) => JeMalloc(bytes);

        public void Free(nint block) => JeFree(block);
    }

    private readonly struct TcmallocHeap : IHeap<nint>, IHeapSource<TcmallocHeap>
    {
        public TcmallocHeap Open() => this;

        public nint Allocate(nuint bytes) => TcMalloc(bytes);

        public void Free(nint block) => TcFree(block);
    }

    private readonly struct NativeHeap : IHeap<nint>, IHeapSource<NativeHeap>
    {
        public NativeHeap Open() => this;

        public nint Allocate(nuint bytes) => (nint)NativeMemory.Alloc(bytes);

        public void Free(nint block) => NativeMemory.Free((void*)block);
    }

    private readonly struct PoolHeap : IHeap<byte[]>, IHeapSource<PoolHeap>
    {
        public PoolHeap Open() => this;

        public byte[] Allocate(nuint bytes) => Rent((int)bytes);

        public void Free(byte[] block) => ArrayPool<byte>.Shared.Return(block);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static byte[] Rent(int bytes) => ArrayPool<byte>.Shared.Rent(bytes);
    }

    [LibraryImport(Mimalloc, EntryPoint = "mi_malloc"), SuppressGCTransition]
    private static partial nint MiMalloc(nuint bytes);

    [LibraryImport(Mimalloc, EntryPoint = "mi_free"), SuppressGCTransition]
    private static partial void MiFree(nint block);

    [LibraryImport(Jemalloc, EntryPoint = "malloc"), SuppressGCTransition]
    private static partial nint JeMalloc(nuint bytes);

    [LibraryImport(Jemalloc, EntryPoint = "free"), SuppressGCTransition]
    private static partial void JeFree(nint block);

    [LibraryImport(Tcmalloc, EntryPoint = "tc_malloc"), SuppressGCTransition]
    private static partial nint TcMalloc(nuint bytes);

    [LibraryImport(Tcmalloc, EntryPoint = "tc_free"), SuppressGCTransition]
    private static partial void TcFree(nint block);
}
