// talloc of Samba: the only C library whose limits on small objects are a tree. Its charge is an allocation, so it does
// more than the others here (a header, malloc); its limits count the header too. A tree of contexts belongs to one thread:
// libtalloc has no lock and no atomic operation, so two threads cannot have a common ancestor, nor a common limit.

using System.Runtime.InteropServices;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>Contexts of libtalloc, with a limit each.</summary>
internal static unsafe partial class TallocSubject
{
    public const string Library = "libtalloc.so.2";

    public static Subject Subject { get; } = new("talloc, by P/Invoke", Plant)
    {
        IsForOneThread = true,
        CanBeInlined = false,
    };

    private static Tree Plant(int depth, int leaves)
    {
        nint root = 0, above = 0;
        for (int level = 1; level < depth; level++)
        {
            above = NewContext(above);
            if (root == 0) root = above;
        }

        nint[] made = [.. Enumerable.Range(0, leaves).Select(_ => NewContext(above))];
        return new Tree(root == 0 ? made : [root], made);
    }

    private static nint NewContext(nint parent)
    {
        nint context = Allocate(parent, 0);
        long limitBytes = Subject.LimitBytes;
        if (context == 0 || SetLimit(context, checked((nuint)limitBytes)) != 0)
        {
            throw new BenchmarkException("talloc made no context with a limit.");
        }

        return context;
    }

    [LibraryImport(Library, EntryPoint = "_talloc")]
    private static partial nint Allocate(nint context, nuint bytes);

    [LibraryImport(Library, EntryPoint = "_talloc_free")]
    private static partial int Free(nint block, nint place);

    [LibraryImport(Library, EntryPoint = "talloc_set_memlimit")]
    private static partial int SetLimit(nint context, nuint bytes);

    [LibraryImport(Library, EntryPoint = "talloc_total_size")]
    private static partial nuint TotalSize(nint context);

    private sealed class Tree(nint[] roots, nint[] leaves) : ChargeTree
    {
        public override long HeldBytes => roots.Sum(static root => (long)TotalSize(root));

        public override ChargeLoop LoopOver(Range range) => new Loop(leaves[range]);
    }

    private sealed class Loop(nint[] leaves) : ChargeLoop
    {
        private readonly Stack<nint> _held = [];
        private nint[] _blocks = [];

        public override void Pairs(int count, long bytes)
        {
            int next = 0;
            for (int i = 0; i < count; i++)
            {
                nint leaf = leaves[next];
                if (++next == leaves.Length) next = 0;
                nint block = Allocate(leaf, (nuint)bytes);
                if (block == 0) throw Refused();
                _ = Free(block, 0);
            }
        }

        public override void Bursts(int count, int size, long bytes)
        {
            if (_blocks.Length < size) _blocks = new nint[size];
            Span<nint> blocks = _blocks.AsSpan(0, size);
            for (int burst = 0; burst < count; burst++)
            {
                nint leaf = leaves[burst % leaves.Length];
                foreach (ref nint block in blocks)
                {
                    block = Allocate(leaf, (nuint)bytes);
                    if (block == 0) throw Refused();
                }

                foreach (nint block in blocks) _ = Free(block, 0);
            }
        }

        public override void ChargeEach(long bytes)
        {
            foreach (nint leaf in leaves) _held.Push(Allocate(leaf, (nuint)bytes));
        }

        public override void UnchargeEach(long bytes)
        {
            for (int i = 0; i < leaves.Length; i++) _ = Free(_held.Pop(), 0);
        }
    }
}
