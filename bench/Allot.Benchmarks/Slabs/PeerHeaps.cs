// The allocators that Allot is compared with. The C libraries are called with SuppressGCTransition, which is what a
// caller who wants the last nanosecond would do; strictly, it is only legal while they do not ask the kernel for memory,
// which is what a warm loop does not.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>Blocks that nobody is charged for.</summary>
internal static unsafe partial class PeerHeaps
{
    public const string Mimalloc = "libmimalloc.so.2", Jemalloc = "libjemalloc.so.2", Tcmalloc = "libtcmalloc_minimal.so.4",
        Talloc = "libtalloc.so.2";

    public static HeapSubject MimallocSubject { get; } =
        new("mimalloc", static _ => new HeapLoop<MimallocHeap, nint>(default(MimallocHeap)));

    public static IReadOnlyList<HeapSubject> All { get; } =
    [
        MimallocSubject,
        .. WhereItLoads(Jemalloc,
            new HeapSubject("jemalloc", static _ => new HeapLoop<JemallocHeap, nint>(default(JemallocHeap)))),
        new("tcmalloc", static _ => new HeapLoop<TcmallocHeap, nint>(default(TcmallocHeap))),
        new("NativeMemory", static _ => new HeapLoop<NativeHeap, nint>(default(NativeHeap))),
        new("ArrayPool.Shared", static _ => new HeapLoop<PoolHeap, byte[]>(default(PoolHeap))) { IsManaged = true },
        new("new byte[]", static _ => new HeapLoop<ArrayHeap, byte[]>(default(ArrayHeap))) { IsManaged = true },
        .. WhereItLoads(Talloc,
            new HeapSubject("talloc, with limits", static depth => new HeapLoop<TallocHeap, nint>(TallocHeap.Plant(depth)))),
    ];

    // jemalloc only in a process that was started with StaticTls.
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

    private readonly struct ArrayHeap : IHeap<byte[]>, IHeapSource<ArrayHeap>
    {
        public ArrayHeap Open() => this;

        public byte[] Allocate(nuint bytes) => Make((int)bytes);

        public void Free(byte[] block)
        {
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static byte[] Make(int bytes) => new byte[bytes];
    }

    /// <summary>A chain of contexts with a limit each. It belongs to one thread.</summary>
    private readonly struct TallocHeap(nint context) : IHeap<nint>, IHeapSource<TallocHeap>
    {
        private static readonly nuint s_limit = nuint.MaxValue >> 1;

        public static TallocHeap Plant(int depth)
        {
            nint context = 0;
            for (int level = 0; level < depth; level++)
            {
                context = TallocAllocate(context, 0);
                if (context == 0 || TallocLimit(context, s_limit) != 0)
                {
                    throw new BenchmarkException("talloc made no context with a limit.");
                }
            }

            return new TallocHeap(context);
        }

        public TallocHeap Open() => this;

        public nint Allocate(nuint bytes) => TallocAllocate(context, bytes);

        public void Free(nint block) => _ = TallocFree(block, 0);
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

    [LibraryImport(Talloc, EntryPoint = "_talloc"), SuppressGCTransition]
    private static partial nint TallocAllocate(nint context, nuint bytes);

    [LibraryImport(Talloc, EntryPoint = "_talloc_free"), SuppressGCTransition]
    private static partial int TallocFree(nint block, nint place);

    [LibraryImport(Talloc, EntryPoint = "talloc_set_memlimit")]
    private static partial int TallocLimit(nint context, nuint bytes);
}
