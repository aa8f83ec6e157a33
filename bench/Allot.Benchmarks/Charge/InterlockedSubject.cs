// What everybody writes first, and the measure of all goals: one Interlocked.Add and one comparison on every level, taken
// back where a level refuses.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Charge;

/// <summary>Plain counters on every level.</summary>
internal static class InterlockedSubject
{
    public static Subject Subject { get; } = new("Interlocked on every level, C#", Plant);

    private static AccountTree<Account, Account> Plant(int depth, int leaves)
    {
        Counter? root = null, above = null;
        for (int level = 1; level < depth; level++)
        {
            above = new Counter(above);
            root ??= above;
        }

        Counter[] made = [.. Enumerable.Range(0, leaves).Select(_ => new Counter(above))];
        return new AccountTree<Account, Account>(
            [.. made.Select(static leaf => new Account(leaf))],
            () => root?.UsedBytes ?? made.Sum(static leaf => leaf.UsedBytes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryCharge(Counter counter, long bytes) => counter.TryCharge(bytes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Uncharge(Counter counter, long bytes) => counter.Uncharge(bytes);

    private readonly struct Account(Counter counter) : IAccount<Account>, IOpenAccount
    {
        public Account Open() => this;

        public bool TryCharge(long bytes) => InterlockedSubject.TryCharge(counter, bytes);

        public void Uncharge(long bytes) => InterlockedSubject.Uncharge(counter, bytes);

        public bool TryChargeInlined(long bytes) => counter.TryCharge(bytes);

        public void UnchargeInlined(long bytes) => counter.Uncharge(bytes);

        public void Dispose()
        {
        }
    }

    private sealed class Counter(Counter? parent)
    {
        private readonly Counter? _parent = parent;
        private readonly long _maxBytes = Subject.LimitBytes;
        private Lonely _usedBytes;

        public long UsedBytes => Volatile.Read(ref _usedBytes.Value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryCharge(long bytes)
        {
            for (Counter? level = this; level is not null; level = level._parent)
            {
                if (Interlocked.Add(ref level._usedBytes.Value, bytes) <= level._maxBytes) continue;
                TakeBack(level, bytes);
                return false;
            }

            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Uncharge(long bytes)
        {
            for (Counter? level = this; level is not null; level = level._parent)
            {
                Interlocked.Add(ref level._usedBytes.Value, -bytes);
            }
        }

        private void TakeBack(Counter refusing, long bytes)
        {
            for (Counter? level = this; level != refusing; level = level._parent)
            {
                Interlocked.Add(ref level!._usedBytes.Value, -bytes);
            }

            Interlocked.Add(ref refusing._usedBytes.Value, -bytes);
        }
    }

    // Alone in its cache lines: two counters in one would cost two threads three times as much.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Lonely
    {
        [FieldOffset(128)]
        public long Value;
    }
}
