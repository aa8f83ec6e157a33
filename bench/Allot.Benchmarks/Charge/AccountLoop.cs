// The loops of everything that is charged from C#. An account is a struct, so the runtime compiles each loop for each
// kind of account: nothing virtual and no delegate is in what is measured.

namespace Allot.Benchmarks.Charge;

/// <summary>A leaf that can be charged.</summary>
/// <remarks>The methods without <c>Inlined</c> are one call each that is not inlined.</remarks>
internal interface IAccount
{
    bool TryCharge(long bytes);

    void Uncharge(long bytes);

    bool TryChargeInlined(long bytes);

    void UnchargeInlined(long bytes);
}

/// <inheritdoc/>
internal sealed class AccountLoop<TAccount>(TAccount[] accounts) : ChargeLoop
    where TAccount : struct, IAccount
{
    /// <inheritdoc/>
    public override void Pairs(int count, long bytes)
    {
        if (accounts.Length == 1) PairsOfOne(accounts[0], count, bytes);
        else PairsInTurn(accounts, count, bytes);
    }

    /// <inheritdoc/>
    public override void InlinedPairs(int count, long bytes)
    {
        TAccount account = accounts[0];
        for (int i = 0; i < count; i++)
        {
            if (!account.TryChargeInlined(bytes)) throw Refused();
            account.UnchargeInlined(bytes);
        }
    }

    /// <inheritdoc/>
    public override void Bursts(int count, int size, long bytes)
    {
        TAccount account = accounts[0];
        for (int burst = 0; burst < count; burst++)
        {
            for (int i = 0; i < size; i++)
            {
                if (!account.TryCharge(bytes)) throw Refused();
            }

            for (int i = 0; i < size; i++) account.Uncharge(bytes);
        }
    }

    /// <inheritdoc/>
    public override void ChargeEach(long bytes)
    {
        foreach (TAccount account in accounts)
        {
            if (!account.TryCharge(bytes)) throw Refused();
        }
    }

    /// <inheritdoc/>
    public override void UnchargeEach(long bytes)
    {
        foreach (TAccount account in accounts) account.Uncharge(bytes);
    }

    private static void PairsOfOne(TAccount account, int count, long bytes)
    {
        for (int i = 0; i < count; i++)
        {
            if (!account.TryCharge(bytes)) throw Refused();
            account.Uncharge(bytes);
        }
    }

    private static void PairsInTurn(TAccount[] accounts, int count, long bytes)
    {
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            TAccount account = accounts[next];
            if (++next == accounts.Length) next = 0;
            if (!account.TryCharge(bytes)) throw Refused();
            account.Uncharge(bytes);
        }
    }
}

/// <summary>A tree whose leaves are accounts.</summary>
internal sealed class AccountTree<TAccount>(TAccount[] accounts, Func<long> heldBytes) : ChargeTree
    where TAccount : struct, IAccount
{
    /// <inheritdoc/>
    public override long HeldBytes => heldBytes();

    /// <inheritdoc/>
    public override ChargeLoop LoopOver(Range leaves) => new AccountLoop<TAccount>(accounts[leaves]);
}
