namespace Allot.Tests.OutOfMemory;

/// <summary>A tree with a policy, one limited group <c>/d</c>, and tenants whose memory goes back when they are killed.
/// </summary>
internal sealed class OomTree
{
    // Long where a victim lets go: then nobody waits for it. Short where it does not.
    private static readonly TimeSpan s_longEnough = TimeSpan.FromSeconds(60);

    public OomTree(
        IOutOfMemoryPolicy policy,
        MemoryGroupOptions? domain = null,
        TimeSpan? grace = null,
        TimeProvider? time = null)
    {
        Controller = new MemoryController(options: new()
        {
            Time = time ?? TimeProvider.System,
            OutOfMemoryPolicy = policy,
            OutOfMemoryGrace = grace ?? s_longEnough,
        });
        Domain = Controller.Root.CreateChild("d", domain);
    }

    public MemoryController Controller { get; }

    public MemoryGroup Domain { get; }

    public OutOfMemoryDecision Last => Controller.OutOfMemoryDecisions[^1];

    /// <summary>Charges a group, and gives that back when it is killed.</summary>
    public static void Fill(MemoryGroup group, long bytes, MemoryKind kind = MemoryKind.User)
    {
        group.Charge(kind, bytes);
        group.Killed.Register(() => group.Uncharge(kind, bytes));
    }

    /// <summary>A group that has charged some bytes, and gives them back when it is killed.</summary>
    public MemoryGroup Tenant(string name, long bytes, MemoryGroupOptions? options = null)
    {
        MemoryGroup tenant = Domain.CreateChild(name, options);
        if (bytes > 0) Fill(tenant, bytes);
        return tenant;
    }

    public static long[] OomKills(params MemoryGroup[] groups) =>
        [.. groups.Select(group => group.ReadLocalEvents().OomKill)];
}
