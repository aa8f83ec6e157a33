namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to threads, compiled and run.</summary>
public sealed class ThreadSnippets
{
    [Fact]
    public void A_thread_of_a_tenant()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme", new() { KernelMaxBytes = 1 << 20 });

        #region threads-start
        Thread worker = GroupThread.Start(acme, () => Work(), stackBytes: 256 << 10);
        Console.WriteLine(acme.ReadThreadStat());   // while it runs: 1 thread, 266,240 bytes (a page of them is the guard)
        worker.Join();                              // the bytes are back
        #endregion

        Assert.Equal(0, acme.Kernel.CurrentBytes);

        #region threads-try
        var options = new GroupThreadOptions { Name = "acme worker", StackBytes = 256 << 10, IsBackground = true };
        Thread? another = GroupThread.TryStart(acme, options, Work, out ChargeRefusal refusal);
        if (another is null) Console.Error.WriteLine(refusal);   // who refused, and which knob to turn
        #endregion

        another!.Join();
        Assert.Equal(default, acme.ReadThreadStat());

        static void Work()
        {
        }
    }
}
