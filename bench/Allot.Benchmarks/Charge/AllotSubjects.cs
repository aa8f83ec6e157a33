// Allot's own ways to charge, and what is expected of each. Another way is another account: its two operations, each in
// a method that is not inlined, and once more as the caller would write them; and a subject, listed in All, with its
// goals. An account is made on one thread and used on another, so what belongs to a thread is got in the operation.

using System.Globalization;
using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Charge;

/// <summary>Groups of Allot.</summary>
internal static class AllotSubjects
{
    /// <summary>Charging a group by its ordinary methods: the thread's reserve has to be looked up each time.</summary>
    private static readonly Subject s_byGroup = new("Allot, by group", static (depth, leaves) =>
        Plant<ByGroup, ByGroup>(depth, leaves, static group => new ByGroup(group)))
    {
        Goals = new ChargeGoals(PairMax: 0.12, BurstMax: 0.12),
    };

    /// <summary>Charging by a handle that the thread keeps for its loop.</summary>
    private static readonly Subject s_byHandle = new("Allot, by handle", static (depth, leaves) =>
        Plant<ByHandle, OpenHandle>(depth, leaves, static group => new ByHandle(group)))
    {
        Goals = new ChargeGoals(PairMax: 0.06, BurstMax: 0.06),
    };

    /// <summary>Charging whoever is current: the group of a scope that the thread is in. One of several groups is
    /// charged by entering its scope, which counts as a part of the pair.</summary>
    private static readonly Subject s_ambient = new("Allot, ambient", static (depth, leaves) =>
        Plant<Ambient, OpenAmbient>(depth, leaves, static group => new Ambient(group)))
    {
        Goals = new ChargeGoals(PairMax: 0.12, BurstMax: 0.12),
    };

    public static IReadOnlyList<Subject> All { get; } = [s_byGroup, s_byHandle, s_ambient];

    private static AccountTree<TAccount, TOpen> Plant<TAccount, TOpen>(
        int depth, int leaves, Func<MemoryGroup, TAccount> open)
        where TAccount : struct, IAccount<TOpen>
        where TOpen : struct, IOpenAccount, allows ref struct
    {
        var limits = new MemoryGroupOptions { MaxBytes = Subject.LimitBytes };
        MemoryGroup[] roots = [.. Enumerable.Range(0, depth == 1 ? leaves : 1).Select(_ => NewRoot())];
        if (depth == 1) return new AccountTree<TAccount, TOpen>([.. roots.Select(open)], HeldBytes);
        MemoryGroup above = roots[0];
        for (int level = 2; level < depth; level++) above = above.CreateChild("above", limits);
        TAccount[] accounts = [.. Enumerable.Range(0, leaves).Select(i => open(above.CreateChild(NameOf(i), limits)))];
        return new AccountTree<TAccount, TOpen>(accounts, HeldBytes);

        MemoryGroup NewRoot() => new MemoryController(limits).Root;
        long HeldBytes() => roots.Sum(static root => root.Memory.CurrentBytes);
        static string NameOf(int leaf) => string.Create(CultureInfo.InvariantCulture, $"leaf{leaf}");
    }

    private readonly struct ByGroup(MemoryGroup group) : IAccount<ByGroup>, IOpenAccount
    {
        public ByGroup Open() => this;

        public bool TryCharge(long bytes) => Charge(group, bytes);

        public void Uncharge(long bytes) => Uncharge(group, bytes);

        public bool TryChargeInlined(long bytes) => group.TryCharge(MemoryKind.User, bytes, out _);

        public void UnchargeInlined(long bytes) => group.Uncharge(MemoryKind.User, bytes);

        public void Dispose()
        {
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static bool Charge(MemoryGroup group, long bytes) => group.TryCharge(MemoryKind.User, bytes, out _);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Uncharge(MemoryGroup group, long bytes) => group.Uncharge(MemoryKind.User, bytes);
    }

    private readonly struct ByHandle(MemoryGroup group) : IAccount<OpenHandle>
    {
        public OpenHandle Open() => new(group.Handle());
    }

    private readonly ref struct OpenHandle(GroupHandle handle) : IOpenAccount
    {
        private readonly GroupHandle _handle = handle;

        public bool TryCharge(long bytes) => Charge(_handle, bytes);

        public void Uncharge(long bytes) => Uncharge(_handle, bytes);

        public bool TryChargeInlined(long bytes) => _handle.TryCharge(bytes);

        public void UnchargeInlined(long bytes) => _handle.Uncharge(bytes);

        public void Dispose()
        {
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static bool Charge(in GroupHandle handle, long bytes) => handle.TryCharge(bytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Uncharge(in GroupHandle handle, long bytes) => handle.Uncharge(bytes);
    }

    private readonly struct Ambient(MemoryGroup group) : IAccount<OpenAmbient>
    {
        public OpenAmbient Open() => new(group);
    }

    private ref struct OpenAmbient(MemoryGroup group) : IOpenAccount
    {
#pragma warning disable ALLOT003 // The loop that opens an account disposes it.
        private ActiveGroupScope _scope = group.Enter();
#pragma warning restore ALLOT003

        // Who was charged, which is known by the charge alone.
        private MemoryGroup? _payer = group;

        public static bool CanBeOneOfSeveral => false;

        public bool TryCharge(long bytes)
        {
            MemoryGroup? payer = Charge(bytes);
            _payer = payer;
            return payer is not null;
        }

        public readonly void Uncharge(long bytes) => Uncharge(_payer!, bytes);

        public bool TryChargeInlined(long bytes) =>
            AmbientCharging.TryCharge(MemoryKind.User, bytes, out _payer);

        public readonly void UnchargeInlined(long bytes) => _payer!.Uncharge(MemoryKind.User, bytes);

        public void Dispose() => _scope.Dispose();

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static MemoryGroup? Charge(long bytes) =>
            AmbientCharging.TryCharge(MemoryKind.User, bytes, out MemoryGroup? payer) ? payer : null;

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Uncharge(MemoryGroup payer, long bytes) => payer.Uncharge(MemoryKind.User, bytes);
    }
}
