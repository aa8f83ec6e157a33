namespace Allot.Analyzers.Tests;

/// <summary>ALLOT005: what blocks inside an atomic scope is found, and nothing else is.</summary>
public sealed class BlockingInAtomicTests
{
    [Theory]
    [InlineData("[|Thread.Sleep(1)|];")]
    [InlineData("[|thread.Join()|];")]
    [InlineData("[|task.Wait()|];")]
    [InlineData("_ = [|task.Result|];")]
    [InlineData("_ = [|task.GetAwaiter().GetResult()|];")]
    [InlineData("_ = [|task.ConfigureAwait(false).GetAwaiter().GetResult()|];")]
    [InlineData("[|Task.WaitAll(task)|];")]
    [InlineData("[|task.RunSynchronously()|];")]
    [InlineData("if (task.IsCompleted || thread.IsAlive) _ = [|task.Result|];")]
    [InlineData("if (!task.IsCompleted) _ = [|task.Result|]; else Monitor.Exit(gate);")]
    [InlineData("if (Task.FromResult(1).IsCompleted) _ = [|task.Result|];")]
    [InlineData("[|Parallel.For(0, 2, i => { })|];")]
    [InlineData("[|GC.WaitForPendingFinalizers()|];")]
    [InlineData("[|lock|] (gate) { }")]
    [InlineData("[|Monitor.Enter(gate)|];")]
    [InlineData("[|Monitor.TryEnter(gate, 5)|];")]
    [InlineData("[|semaphore.Wait()|];")]
    [InlineData("[|reset.Wait()|];")]
    [InlineData("[|handle.WaitOne()|];")]
    [InlineData("[|WaitHandle.WaitAny(new WaitHandle[] { handle })|];")]
    [InlineData("[|stream.Read(new byte[1], 0, 1)|];")]
    [InlineData("[|file.Flush()|];")]
    [InlineData("_ = [|File.ReadAllText(\"x\")|];")]
    [InlineData("[|File.Delete(\"x\")|];")]
    [InlineData("[|Directory.CreateDirectory(\"x\")|];")]
    [InlineData("_ = [|Directory.GetFiles(\"x\")|];")]
    [InlineData("[|new FileInfo(\"x\").Delete()|];")]
    [InlineData("_ = [|new FileInfo(\"x\").Length|];")]
    [InlineData("[|new DirectoryInfo(\"x\").Create()|];")]
    [InlineData("_ = [|new FileStream(\"x\", FileMode.Open)|];")]
    [InlineData("FileStream opened = [|new(\"x\", FileMode.Open)|];")]
    [InlineData("_ = [|new StreamReader(\"x\")|];")]
    [InlineData("_ = [|reader.ReadLine()|];")]
    [InlineData("[|writer.WriteLine(1)|];")]
    [InlineData("_ = [|new BinaryReader(stream).ReadInt32()|];")]
    [InlineData("_ = [|System.Net.Dns.GetHostEntry(\"x\")|];")]
    [InlineData("[|socket.Connect(\"x\", 1)|];")]
    [InlineData("[|socket.Send(new byte[1])|];")]
    [InlineData("_ = [|socket.Accept()|];")]
    [InlineData("_ = [|socket.Poll(5, System.Net.Sockets.SelectMode.SelectRead)|];")]
    [InlineData("_ = [|new System.Net.Sockets.TcpClient(\"x\", 1)|];")]
    [InlineData("[|thread.Join(5)|];")]
    [InlineData("[|task.Wait(5)|];")]
    [InlineData("[|Task.Delay(1).ConfigureAwait(false).GetAwaiter().GetResult()|];")]
    [InlineData("_ = [|new ValueTask<int>(task).ConfigureAwait(false).GetAwaiter().GetResult()|];")]
    [InlineData("[|SpinWait.SpinUntil(() => task.IsCompleted)|];")]
    [InlineData("_ = [|Console.ReadLine()|];")]
    [InlineData("_ = [|Console.ReadKey()|];")]
    [InlineData("[|Console.WriteLine(1)|];")]
    [InlineData("_ = [|System.Diagnostics.Process.Start(\"x\")|];")]
    [InlineData("[|connection.Open()|];")]
    public Task A_call_that_blocks_is_found(string statement) => AssertAsync($$"""
        using (AllocationScope.Atomic())
        {
            {{statement}}
        }
        """);

    [Theory]
    [InlineData("Monitor.TryEnter(gate);")]
    [InlineData("Monitor.TryEnter(gate, 0);")]
    [InlineData("semaphore.Wait(0);")]
    [InlineData("handle.WaitOne(TimeSpan.Zero);")]
    [InlineData("memory.Read(new byte[1], 0, 1);")]
    [InlineData("semaphore.Release();")]
    [InlineData("_ = socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead);")]
    [InlineData("_ = new StringReader(\"x\").ReadLine();")]
    [InlineData("new StringWriter().Write(1);")]
    [InlineData("_ = new StreamReader(memory);")]
    [InlineData("_ = new FileInfo(\"x\").FullName;")]
    [InlineData("_ = new FileInfo(\"x\").ToString();")]
    [InlineData("_ = Path.Combine(\"x\", \"y\");")]
    [InlineData("_ = System.Net.Dns.GetHostName();")]
    [InlineData("_ = new System.Net.Sockets.TcpClient();")]
    [InlineData("_ = file.WriteAsync(new byte[1]);")]
    [InlineData("_ = task.IsCompleted;")]
    [InlineData("((MemoryStream)stream).WriteByte(1);")]
    [InlineData("((Stream)memory).WriteByte(1);")]
    [InlineData("_ = nameof(task.Result);")]
    [InlineData("if (task.IsCompletedSuccessfully) _ = task.Result;")]
    [InlineData("_ = task.IsCompleted && task.Result == 1;")]
    [InlineData("_ = !task.IsCompletedSuccessfully ? 0 : task.GetAwaiter().GetResult();")]
    [InlineData("if (!task.IsCompleted) { return; } _ = task.Result;")]
    [InlineData("Action later = () => Thread.Sleep(1);")]
    [InlineData("void Later() { Thread.Sleep(1); }")]
    [InlineData("Func<Task> later = async () => await task;")]
    [InlineData("ThreadPool.QueueUserWorkItem(_ => task.Wait());")]
    public Task What_blocks_nobody_here_is_not_found(string statement) =>
        AssertAsync($$"""
        using (AllocationScope.Atomic())
        {
            {{statement}}
        }
        """);

    [Fact]
    public Task A_using_declaration_holds_for_the_rest_of_its_block() => AssertAsync("""
        {
            Thread.Sleep(1);
            using ThreadScope scope = AllocationScope.Atomic();
            [|Thread.Sleep(2)|];
            if (task.IsCompleted) [|Thread.Sleep(3)|];
        }
        Thread.Sleep(4);
        """);

    [Fact]
    public Task A_scope_whose_guard_is_used_by_hand_is_not_certain() => AssertAsync("""
        using ThreadScope scope = AllocationScope.Atomic();
        Thread.Sleep(1);
        if (task.IsCompleted) scope.Dispose();
        Thread.Sleep(2);
        """);

    [Fact]
    public Task A_scope_that_was_left_in_the_turn_before_is_over() => AssertAsync("""
        using ThreadScope scope = AllocationScope.Atomic();
        for (int i = 0; i < 2; i++)
        {
            Thread.Sleep(1);
            scope.Dispose();
        }
        """);

    [Fact]
    public Task A_scope_that_finally_leaves_holds_in_the_try() => AssertAsync("""
        ThreadScope scope = AllocationScope.Atomic();
        try
        {
            [|Thread.Sleep(1)|];
        }
        finally
        {
            scope.Dispose();
            Thread.Sleep(2);
        }
        """);

    [Fact]
    public Task A_lock_that_carries_the_scope_is_seen_through() => AssertAsync("""
        using (_atomic.Enter())
        {
            [|Thread.Sleep(1)|];
            using ([|_files.Enter()|]) { }
        }
        using (_files.Enter())
        {
            Thread.Sleep(1);
        }
        """);

    [Fact]
    public Task A_lock_of_readers_that_carries_the_scope_is_seen_through() => AssertAsync("""
        using (_atomicReaders.EnterRead())
        {
            [|Thread.Sleep(1)|];
        }
        using (_atomicReaders.EnterWrite())
        {
            [|Thread.Sleep(1)|];
            using ([|_readers.EnterRead()|]) { }
            using ([|_readers.EnterWrite()|]) { }
        }
        using (_readers.EnterWrite())
        {
            Thread.Sleep(1);
        }
        """);

    [Fact]
    public Task A_lock_of_asynchronous_code_is_waited_for() => AssertAsync("""
        async Task Later()
        {
            using (AllocationScope.Atomic())
            {
                using ([|await|] _async.EnterAsync()) { }
            }
            using (await _async.EnterAsync())
            {
                await Task.Yield();
            }
        }
        """);

    [Fact]
    public Task Another_scope_allows_to_block() => AssertAsync("""
        using (AllocationScope.NoFs())
        using (AllocationScope.NoIo())
        {
            Thread.Sleep(1);
        }
        """);

    [Fact]
    public Task A_scope_that_is_entered_only_sometimes_is_none() => AssertAsync("""
        using (task.IsCompleted ? AllocationScope.Atomic() : AllocationScope.NoFs())
        {
            Thread.Sleep(1);
        }
        """);

    [Fact]
    public Task A_scope_inside_of_an_atomic_one_does_not_lift_it() => AssertAsync("""
        using (AllocationScope.Atomic())
        using (AllocationScope.NoFs())
        {
            [|Thread.Sleep(1)|];
        }
        """);

    private static async Task AssertAsync(string body) => await new CodeUnderTest(new AtomicScopeAnalyzer(), $$"""
        class C
        {
            readonly ScopedLock _atomic = new(AllocationRestrictions.Atomic | AllocationRestrictions.NoPin, "x");
            readonly ScopedLock _files = new(AllocationRestrictions.NoFs);
            readonly ScopedReaderWriterLock _atomicReaders = new(AllocationRestrictions.Atomic);
            readonly ScopedReaderWriterLock _readers = new(AllocationRestrictions.NoFs);
            readonly AsyncScopedLock _async = new(AllocationRestrictions.NoFs);

            void M(Task<int> task, object gate, Thread thread, SemaphoreSlim semaphore, ManualResetEventSlim reset,
                WaitHandle handle, Stream stream, FileStream file, MemoryStream memory, TextReader reader,
                TextWriter writer, System.Net.Sockets.Socket socket, System.Data.Common.DbConnection connection)
            {
                {{body}}
            }
        }
        """).AssertReportsAsync();
}
