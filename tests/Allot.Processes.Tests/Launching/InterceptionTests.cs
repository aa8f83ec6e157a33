using System.Collections.Concurrent;
using Allot.Processes.Launching;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Launching;

/// <summary>Launches with a filter, on the real kernel.</summary>
public sealed class InterceptionTests : IDisposable
{
    private const int O_CREAT = 0x40;

    private readonly TestLaunch _launch = new();
    private readonly ConcurrentQueue<SeccompNotification> _seen = [];

    public InterceptionTests() => Assert.SkipWhen(TestLaunch.Unsupported is not null, TestLaunch.Unsupported ?? "");

    public void Dispose() => _launch.Dispose();

    [Fact]
    public void A_refused_call_fails_with_the_error_of_the_answer()
    {
        _launch.StartShell("echo before; mkdir /tmp/never-made", TestLaunch.Filter("mkdir", "mkdirat"));
        Assert.Equal(new ExitStatus(1, 0), _launch.Finish(static _ => Errno.ENOMEM));
        Assert.StartsWith("before\n", _launch.Output, StringComparison.Ordinal);
        Assert.Contains("Cannot allocate memory", _launch.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_continued_call_runs_and_its_arguments_were_shown()
    {
        string made = Path.Combine(_launch.DirectoryPath, "made");
        string path = "";
        _launch.StartShell($"mkdir -m 700 '{made}'", TestLaunch.Filter("mkdir", "mkdirat"));
        Assert.Equal(0, _launch.Finish(notification =>
        {
            int argument = notification.SyscallNumber == TestLaunch.Number("mkdirat") ? 1 : 0;
            Span<byte> bytes = stackalloc byte[made.Length];
            if (TargetMemory.TryRead(notification.ThreadId, notification.Arguments[argument], bytes)
                && _launch.Listener.IsValid(notification.Id))
            {
                path = System.Text.Encoding.UTF8.GetString(bytes);
            }
            return 0;
        }).Code);
        Assert.True(Directory.Exists(made));
        Assert.Equal(made, path);
    }

    [Fact]
    public void Nothing_but_the_exec_is_called_between_the_filter_and_the_command()
    {
        // Everything a surprise of the runtime would call: compiling, collecting, resolving, starting a thread.
        _launch.Start(new LaunchPlan
        {
            Command = ["/bin/true"],
            Filter = TestLaunch.Filter(
                "mmap", "munmap", "mremap", "brk", "clone", "clone3", "open", "openat", "execve", "ioctl", "getpid",
                "gettid", "rt_sigaction", "rt_sigprocmask", "prctl", "eventfd2", "memfd_create"),
            Launcher = TestLaunch.Launcher,
        });
        Assert.Equal(0, _launch.Finish(Record).Code);
        Assert.True(_seen.TryPeek(out SeccompNotification first));
        Assert.Equal("execve", SyscallTable.Current!.NameOf(first.SyscallNumber));
        Assert.Equal(_launch.Process!.Pid, first.ThreadId);
    }

    [Fact]
    public void A_condition_on_an_argument_is_tested_by_the_kernel()
    {
        FilterRule[] rules =
        [
            new(TestLaunch.Number("openat"), FilterCondition.AnyBit(2, O_CREAT)),
            .. TestLaunch.Exists("open")
                ? new[] { new FilterRule(TestLaunch.Number("open"), FilterCondition.AnyBit(1, O_CREAT)) } : [],
        ];
        string file = Path.Combine(_launch.DirectoryPath, "file");
        // Reads /etc/passwd, creates the output and the file.
        string script = $"cat /etc/passwd >/dev/null; : >'{file}'; cat '{file}'; ls / >/dev/null";
        _launch.StartShell(script, TestLaunch.FilterOf(rules));
        Assert.Equal(0, _launch.Finish(Record).Code);
        // The output, twice /dev/null (a shell redirection asks to create it), the file.
        Assert.Equal(4, _seen.Count);
        Assert.True(File.Exists(file));
    }

    [Fact]
    public void Growth_is_told_from_shrinking_by_comparing_two_arguments()
    {
        string program = _launch.Compile("""
            #define _GNU_SOURCE
            #include <sys/mman.h>
            int main(void) {
              void *p = mmap(0, 16 * 4096, 3, 0x22, -1, 0);
              p = mremap(p, 16 * 4096, 8 * 4096, 1);
              if (p == MAP_FAILED) return 1;
              return mremap(p, 8 * 4096, 32 * 4096, 1) == MAP_FAILED ? 42 : 2;
            }
            """);
        // mremap(old address, old length, new length, ...)
        FilterRule[] rules = [new(TestLaunch.Number("mremap"), FilterCondition.Greater(2, 1))];
        _launch.Start(program, TestLaunch.FilterOf(rules));
        Assert.Equal(42, _launch.Finish(n => Record(n) | Errno.EAGAIN).Code);
        SeccompNotification only = Assert.Single(_seen);
        Assert.Equal((8 * 4096UL, 32 * 4096UL), (only.Arguments[1], only.Arguments[2]));
    }

    [Fact]
    public void A_filter_of_nearly_the_longest_length_is_accepted()
    {
        ulong[] values = [.. Enumerable.Range(1, 800).Select(static i => (ulong)i << 33)];
        SeccompFilter filter = TestLaunch.FilterOf(
            new(TestLaunch.Number("getppid"), FilterCondition.OneOf(0, values, ArgumentWidth.Full64)),
            new(TestLaunch.Number("mkdirat")));
        Assert.InRange(filter.Instructions.Length, 3_000, BpfInstruction.MaxCount);
        _launch.StartShell("exit 3", filter);
        Assert.Equal(3, _launch.Finish(static _ => 0).Code);
    }

    [Fact]
    public void Threads_and_children_notify_the_same_listener()
    {
        string program = _launch.Compile("""
            #define _GNU_SOURCE
            #include <pthread.h>
            #include <unistd.h>
            #include <sys/syscall.h>
            #include <sys/wait.h>
            static void *work(void *x) { for (int i = 0; i < 100; i++) syscall(SYS_getppid); return 0; }
            int main(void) {
              pthread_t t[4];
              pid_t child = fork();
              for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, work, 0);
              for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
              if (child) waitpid(child, 0, 0);
              return 0;
            }
            """);
        _launch.Start(program, TestLaunch.Filter("getppid"));
        Assert.Equal(0, _launch.Finish(Record).Code);
        Assert.Equal(800, _seen.Count);
        int[] threads = [.. _seen.Select(static n => n.ThreadId).Distinct()];
        Assert.Equal(8, threads.Length);
        Assert.DoesNotContain(_launch.Process!.Pid, threads);
    }

    [Fact]
    public void The_32_bit_ABI_fails_closed()
    {
        Assert.SkipUnless(SyscallTable.Current == SyscallTable.X64, "int 0x80 is an x86 instruction");
        string program = _launch.Compile("""
            #include <errno.h>
            static long call32(long nr, long a) {
              long result;
              __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(0), "d"(0)
                : "memory", "r8", "r9", "r10", "r11");
              return result;
            }
            int main(void) { long pid = call32(20, 0); return pid == -ENOSYS ? 38 : pid > 0 ? 0 : 1; }
            """);
        // Without a filter: does this kernel have the ABI at all?
        var unfiltered = new LaunchPlan { Command = [program], Launcher = TestLaunch.Launcher };
        using (LaunchedProcess free = Launcher.Start(unfiltered))
        {
            free.Exec();
            Assert.SkipUnless(free.Wait().Code == 0, "this kernel has no 32-bit system calls");
        }
        _launch.Start(program, TestLaunch.Filter("mkdir"));
        Assert.Equal(Errno.ENOSYS, _launch.Finish(static _ => 0).Code);
    }

    [Fact]
    public void A_closed_listener_fails_the_intercepted_calls_and_only_those()
    {
        LaunchedProcess process = StartMkdirAndEcho();
        _launch.Listener.Dispose();
        process.Exec();
        Assert.Equal(0, process.Wait().Code);
        Assert.Contains("Function not implemented", _launch.Output, StringComparison.Ordinal);
        Assert.Contains("still here", _launch.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Disposing_the_listener_releases_a_call_that_waits()
    {
        LaunchedProcess process = StartMkdirAndEcho();
        process.Exec();
        Assert.True(_launch.Listener.TryReceive(out SeccompNotification notification));
        _launch.Listener.Dispose();
        Assert.Equal(0, process.Wait().Code);
        Assert.Contains("Function not implemented", _launch.Output, StringComparison.Ordinal);
        Assert.Equal(SendResult.Closed, _launch.Listener.Continue(notification.Id));
        Assert.False(_launch.Listener.IsValid(notification.Id));
        Assert.False(_launch.Listener.TryReceive(out _));
    }

    [Fact]
    public void An_answer_to_a_killed_target_says_so()
    {
        LaunchedProcess process = _launch.StartShell("mkdir /tmp/never-made", TestLaunch.Filter("mkdir", "mkdirat"));
        process.Exec();
        Assert.True(_launch.Listener.TryReceive(out SeccompNotification notification));
        Assert.True(_launch.Listener.IsValid(notification.Id));

        // The mkdir program is a child of the shell; end both.
        _ = LibC.Kill(notification.ThreadId, SignalNumber.SIGKILL);
        Assert.True(_launch.Process!.Wait().Code != 0);
        Assert.False(_launch.Listener.IsValid(notification.Id));
        Assert.Equal(SendResult.TargetGone, _launch.Listener.Continue(notification.Id));
        Assert.Equal(SendResult.TargetGone, _launch.Listener.Fail(notification.Id, Errno.ENOMEM));
        Assert.False(_launch.Listener.TryReceive(out _));
        Assert.False(TargetMemory.TryRead(notification.ThreadId, notification.InstructionPointer, new byte[4]));
    }

    [Fact]
    public void A_signal_does_not_take_a_target_out_of_a_received_call()
    {
        Assert.SkipUnless(Environment.OSVersion.Version >= new Version(5, 19), "needs Linux 5.19: WAIT_KILLABLE_RECV");
        string program = _launch.Compile("""
            #include <signal.h>
            #include <unistd.h>
            #include <errno.h>
            #include <sys/syscall.h>
            static volatile int signals;
            static void count(int s) { signals++; }
            int main(void) {
              struct sigaction a = { .sa_handler = count };
              sigaction(SIGUSR1, &a, 0);
              long r = syscall(SYS_getppid);
              return r == -1 ? 1 : signals == 1 ? 0 : 2;
            }
            """);
        LaunchedProcess process = _launch.Start(program, TestLaunch.Filter("getppid"));
        process.Exec();
        Assert.True(_launch.Listener.TryReceive(out SeccompNotification notification));
        Assert.True(process.SendSignal(SignalNumber.SIGUSR1));
        Assert.Equal(SendResult.Sent, _launch.Listener.Continue(notification.Id));
        Assert.Equal(new ExitStatus(0, 0), process.Wait());
        Assert.False(_launch.Listener.TryReceive(out _), "it was notified once");
    }

    [Fact]
    public void Stop_ends_a_receive_that_waits()
    {
        LaunchedProcess process = _launch.Start("sleep 1000", TestLaunch.Filter("mkdir"));
        _launch.AnswerOnAThread(static _ => 0);
        process.Exec();
        _launch.Listener.Stop();
        Assert.False(_launch.Listener.TryReceive(out _));
        Assert.False(process.TryWait(out _), "the command lives on");
        process.SendSignal(SignalNumber.SIGKILL);
        process.Wait();
    }

    [Fact]
    public void Answering_allocates_nothing()
    {
        string program = _launch.Compile("""
            #include <unistd.h>
            #include <sys/syscall.h>
            int main(void) { for (int i = 0; i < 2000; i++) syscall(SYS_getppid); return 0; }
            """);
        LaunchedProcess process = _launch.Start(program, TestLaunch.Filter("getppid"));
        SeccompListener listener = _launch.Listener;
        process.Exec();
        long allocated = 0;
        for (int i = 0; listener.TryReceive(out SeccompNotification notification); i++)
        {
            if (i == 1_000) allocated = GC.GetAllocatedBytesForCurrentThread();
            listener.Continue(notification.Id);
        }
        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(0, process.Wait().Code);
    }

    private LaunchedProcess StartMkdirAndEcho() =>
        _launch.StartShell("mkdir /tmp/never-made; echo still here", TestLaunch.Filter("mkdir", "mkdirat"));

    private int Record(SeccompNotification notification)
    {
        _seen.Enqueue(notification);
        return 0;
    }
}
