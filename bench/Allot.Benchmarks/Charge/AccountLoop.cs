// The loops of everything that is charged from C#. An account is a struct, so the runtime compiles each loop for each
// kind of account: nothing virtual and no delegate is in what is measured.

using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Charge;

/// <summary>A leaf that can be charged; it is made on one thread and used on another.</summary>
/// <typeparam name="TOpen">What the thread charges that uses it.</typeparam>
internal interface IAccount<TOpen>
    where TOpen : struct, IOpenAccount, allows ref struct
{
    /// <summary>The account for the calling thread, which may keep it for a loop, and disposes it then.</summary>
    TOpen Open();
}

/// <summary>A leaf as one thread charges it.</summary>
/// <remarks>The methods without <c>Inlined</c> are one call each that is not inlined.</remarks>
internal interface IOpenAccount : IDisposable
{
    /// <summary>Whether a thread can charge several that are open. Otherwise only the one that was opened last.</summary>
    static virtual bool CanBeOneOfSeveral => true;

    bool TryCharge(long bytes);

    void Uncharge(long bytes);

    bool TryChargeInlined(long bytes);

    void UnchargeInlined(long bytes);
}

/// <inheritdoc/>
internal sealed class AccountLoop<TAccount, TOpen>(TAccount[] accounts) : ChargeLoop
    where TAccount : struct, IAccount<TOpen>
    where TOpen : struct, IOpenAccount, allows ref struct
{
    /// <inheritdoc/>
    public override void Pairs(int count, long bytes)
    {
        switch (accounts.Length)
        {
            case 1: PairsOfOne(accounts[0].Open(), count, bytes); break;
            case 8 when TOpen.CanBeOneOfSeveral: PairsOfEight(accounts, count, bytes); break;
            default: PairsInTurn(accounts, count, bytes); break;
        }
    }

    /// <inheritdoc/>
    public override void InlinedPairs(int count, long bytes)
    {
        TOpen account = accounts[0].Open();
        for (int i = 0; i < count; i++)
        {
            if (!account.TryChargeInlined(bytes)) throw Refused();
            account.UnchargeInlined(bytes);
        }

        account.Dispose();
    }

    /// <inheritdoc/>
    public override void Bursts(int count, int size, long bytes)
    {
        for (int burst = 0; burst < count; burst++) Burst(accounts[burst % accounts.Length].Open(), size, bytes);
    }

    /// <inheritdoc/>
    public override void ChargeEach(long bytes)
    {
        foreach (TAccount account in accounts)
        {
            TOpen open = account.Open();
            if (!open.TryCharge(bytes)) throw Refused();
            open.Dispose();
        }
    }

    /// <inheritdoc/>
    public override void UnchargeEach(long bytes)
    {
        foreach (TAccount account in accounts)
        {
            TOpen open = account.Open();
            open.Uncharge(bytes);
            open.Dispose();
        }
    }

    private static void Burst(TOpen account, int size, long bytes)
    {
        for (int i = 0; i < size; i++)
        {
            if (!account.TryCharge(bytes)) throw Refused();
        }

        for (int i = 0; i < size; i++) account.Uncharge(bytes);
        account.Dispose();
    }

    private static void PairsOfOne(TOpen account, int count, long bytes)
    {
        for (int i = 0; i < count; i++)
        {
            if (!account.TryCharge(bytes)) throw Refused();
            account.Uncharge(bytes);
        }

        account.Dispose();
    }

    // What is open cannot lie in an array: it may belong to the stack.
    private static void PairsOfEight(TAccount[] accounts, int count, long bytes)
    {
        TOpen a = accounts[0].Open(), b = accounts[1].Open(), c = accounts[2].Open(), d = accounts[3].Open();
        TOpen e = accounts[4].Open(), f = accounts[5].Open(), g = accounts[6].Open(), h = accounts[7].Open();
        for (int i = 0; i < count; i += 8)
        {
            Pair(ref a, bytes);
            Pair(ref b, bytes);
            Pair(ref c, bytes);
            Pair(ref d, bytes);
            Pair(ref e, bytes);
            Pair(ref f, bytes);
            Pair(ref g, bytes);
            Pair(ref h, bytes);
        }

        a.Dispose();
        b.Dispose();
        c.Dispose();
        d.Dispose();
        e.Dispose();
        f.Dispose();
        g.Dispose();
        h.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair(ref TOpen account, long bytes)
    {
        if (!account.TryCharge(bytes)) throw Refused();
        account.Uncharge(bytes);
    }

    private static void PairsInTurn(TAccount[] accounts, int count, long bytes)
    {
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            TOpen account = accounts[next].Open();
            if (++next == accounts.Length) next = 0;
            if (!account.TryCharge(bytes)) throw Refused();
            account.Uncharge(bytes);
            account.Dispose();
        }
    }
}

/// <summary>A tree whose leaves are accounts.</summary>
internal sealed class AccountTree<TAccount, TOpen>(TAccount[] accounts, Func<long> heldBytes) : ChargeTree
    where TAccount : struct, IAccount<TOpen>
    where TOpen : struct, IOpenAccount, allows ref struct
{
    /// <inheritdoc/>
    public override long HeldBytes => heldBytes();

    /// <inheritdoc/>
    public override ChargeLoop LoopOver(Range leaves) => new AccountLoop<TAccount, TOpen>(accounts[leaves]);
}
