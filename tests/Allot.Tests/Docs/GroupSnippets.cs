using System.Globalization;

namespace Allot.Tests.Docs;

/// <summary>The code blocks of the documents, compiled and run. <c>SnippetTests</c> holds the two equal.</summary>
public sealed class GroupSnippets
{
    [Fact]
    public void Readme_ten_lines()
    {
        #region readme
        var tree = new MemoryController();
        MemoryGroup tenants = tree.Root.CreateChild("tenants", new MemoryGroupOptions { MaxBytes = 64 << 20 });
        MemoryGroup acme = tenants.CreateChild("acme", new MemoryGroupOptions { MaxBytes = 48 << 20 });

        using (MemoryCharge cache = acme.Hold(MemoryKind.User, 40 << 20))
        {
            if (!acme.TryCharge(MemoryKind.User, 10 << 20, out ChargeRefusal refusal))
            {
                Console.WriteLine(refusal);   // who refused, its use, its limit, its largest holders, the knob to turn
            }
        }   // 40 MiB go back to 'acme' and to 'tenants', once, however often the handle is disposed
        #endregion

        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        Assert.Equal(1, acme.ReadEvents().MemoryMax);
    }

    [Fact]
    public void Try_charge_and_uncharge()
    {
        MemoryGroup group = new MemoryController(new MemoryGroupOptions { MaxBytes = 1 << 20 }).Root;
        byte[]? frame = ReadFrame(group, 4096);
        Assert.NotNull(frame);
        Assert.Null(ReadFrame(group, 2 << 20));
        Assert.Equal(0, group.Memory.CurrentBytes);

        #region try-charge
        byte[]? ReadFrame(MemoryGroup group, int frameBytes)
        {
            // Charge first, allocate second: memory that nobody agreed to pay for never exists.
            if (!group.TryCharge(MemoryKind.User, frameBytes, out ChargeRefusal refusal))
            {
                Console.Error.WriteLine(refusal);
                return null;
            }

            try
            {
                return new byte[frameBytes];
            }
            finally
            {
                group.Uncharge(MemoryKind.User, frameBytes);
            }
        }
        #endregion
    }

    [Fact]
    public void A_handle_grows_and_shrinks()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("query");

        #region handle
        using MemoryCharge sortBuffer = group.Hold(MemoryKind.User);
        sortBuffer.Grow(1 << 20);          // throws MemoryLimitExceededException when refused; what is owned stays
        sortBuffer.Shrink(512 << 10);
        sortBuffer.Resize(2 << 20);        // to an amount, up or down
        #endregion

        Assert.Equal(2 << 20, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_loop_keeps_a_handle()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("query");
        int rows = 100;

        #region loop
        GroupHandle handle = group.Handle();   // for this thread
        for (int row = 0; row < rows; row++)
        {
            handle.Charge(64);
            handle.Uncharge(64);
        }
        #endregion

        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task A_query_waits_for_its_memory()
    {
        MemoryGroup tenant = new MemoryController().Root.CreateChild("tenant", new() { MaxBytes = 100 });
        tenant.Charge(MemoryKind.User, 50);
        Task running = RunAsync(tenant, 60, TestContext.Current.CancellationToken);
        Assert.False(running.IsCompleted);
        tenant.Uncharge(MemoryKind.User, 50);
        await running;
        Assert.Equal(0, tenant.Memory.CurrentBytes);

        #region wait
        async Task RunAsync(MemoryGroup tenant, long bytesNeeded, CancellationToken cancellationToken)
        {
            await tenant.ChargeAsync(MemoryKind.User, bytesNeeded, cancellationToken);
            try
            {
                await QueryAsync(cancellationToken);
            }
            finally
            {
                tenant.Uncharge(MemoryKind.User, bytesNeeded);
            }
        }
        #endregion

        static Task QueryAsync(CancellationToken cancellationToken) => Task.Delay(0, cancellationToken);
    }

    [Fact]
    public void Kernel_memory_is_a_part()
    {
        #region kernel-part
        var controller = new MemoryController();
        MemoryGroup tenant = controller.Root.CreateChild("tenant", new MemoryGroupOptions
        {
            MaxBytes = 64 << 20,         // everything
            KernelMaxBytes = 8 << 20,    // of which at most this much is bookkeeping on the tenant's behalf
        });
        tenant.Charge(MemoryKind.Kernel, 1 << 20);
        tenant.Charge(MemoryKind.User, 3 << 20);
        Console.WriteLine($"{tenant.Memory.CurrentBytes} in all, {tenant.Kernel.CurrentBytes} of it kernel memory");
        #endregion

        Assert.Equal(4 << 20, tenant.Memory.CurrentBytes);
        Assert.Equal(1 << 20, tenant.Kernel.CurrentBytes);
    }

    [Fact]
    public void Limits_change_and_peaks_are_per_reader()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("batch");
        group.Charge(MemoryKind.User, 1 << 20);

        #region limits-and-peaks
        group.Memory.MaxBytes = MemorySize.Parse("64M");   // at any time, also below what is in use
        using PeakReader sinceMidnight = group.Memory.OpenPeak();
        group.Charge(MemoryKind.User, 2 << 20);
        Console.WriteLine($"peak {sinceMidnight.PeakBytes} bytes, room for {group.Memory.AvailableBytes} more");
        sinceMidnight.Reset();   // nobody else's peak changes
        #endregion

        Assert.Equal(3 << 20, sinceMidnight.PeakBytes);
        Assert.Equal(61 << 20, group.Memory.AvailableBytes);
    }

    [Fact]
    public void Removal_moves_what_is_held_to_the_parent()
    {
        var tree = new MemoryController();
        MemoryGroup tenants = tree.Root.CreateChild("tenants");

        #region removal
        MemoryGroup session = tenants.CreateChild("session-17");
        MemoryCharge leaked = session.Hold(MemoryKind.User, 4096);
        session.Remove();          // at once, whatever it still holds: the bytes are the parent's now
        Console.WriteLine($"{session.Memory.CurrentBytes} here, {tenants.Memory.CurrentBytes} above");   // 0 and 4096
        leaked.Dispose();          // returns them through the recorded group
        #endregion

        Assert.Equal(0, tenants.Memory.CurrentBytes);
    }

    [Fact]
    public void Count_kernel_memory_on_the_first_limit()
    {
        #region on-first-limit
        var controller = new MemoryController(options: new MemoryControllerOptions
        {
            KernelAccounting = KernelAccountingMode.OnFirstLimit,
        });
        MemoryGroup free = controller.Root.CreateChild("free");
        free.Charge(MemoryKind.Kernel, 1 << 20);   // succeeds, and is counted nowhere
        MemoryGroup limited = controller.Root.CreateChild("limited", new MemoryGroupOptions { KernelMaxBytes = 8 << 20 });
        limited.Charge(MemoryKind.Kernel, 1 << 20);
        Console.WriteLine($"{free.Kernel.CurrentBytes} and {limited.Kernel.CurrentBytes}");   // 0 and 1048576
        #endregion

        Assert.Equal((0, 1 << 20), (free.Kernel.CurrentBytes, limited.Kernel.CurrentBytes));
    }

    [Fact]
    public void Pins_have_a_counter_of_their_own()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("rdma");

        #region pins
        group.Pins.MaxBytes = 1 << 20;
        if (group.TryPin(PinKind.Locked, 64 << 10, out ChargeRefusal refusal))
        {
            // Now lock the memory; these methods count, they do not lock.
            group.Unpin(PinKind.Locked, 64 << 10);
        }
        #endregion

        Assert.Equal(RefusalReason.None, refusal.Reason);
        Assert.Equal(0, group.Pins.CurrentBytes);
    }

    [Fact]
    public void Start_first_program()
    {
        #region start-group
        var controller = new MemoryController(new MemoryGroupOptions { MaxBytes = MemorySize.Parse("256M") });
        MemoryGroup web = controller.Root.CreateChild("web");
        MemoryGroup jobs = controller.Root.CreateChild("jobs", new MemoryGroupOptions { MaxBytes = 32 << 20 });

        using MemoryCharge job = jobs.Hold(MemoryKind.User, 30 << 20);
        if (!jobs.TryCharge(MemoryKind.User, 4 << 20, out ChargeRefusal refusal)) Console.WriteLine(refusal);
        web.Charge(MemoryKind.User, 4 << 20);   // a neighbour is not hindered by a full group
        #endregion

        Assert.Equal(jobs, refusal.Limiter);
        Assert.Equal((34 << 20).ToString(CultureInfo.InvariantCulture), $"{controller.Root.Memory.CurrentBytes}");
    }

    [Fact]
    public void Pay_for_groups()
    {
        #region pay-for-groups
        var controller = new MemoryController(options: new MemoryControllerOptions { ChargesGroupMetadata = true });
        MemoryGroup tenant = controller.Root.CreateChild("tenant", new MemoryGroupOptions { KernelMaxBytes = 1 << 20 });
        MemoryGroup session = tenant.CreateChild("session-17");
        Console.WriteLine(tenant.Kernel.CurrentBytes);   // 312: the group and its name
        session.Remove();
        Console.WriteLine(tenant.Kernel.CurrentBytes);   // 0
        #endregion

        tenant.CreateChild("session-17");
        Assert.Equal(312, tenant.Kernel.CurrentBytes);
    }
}
