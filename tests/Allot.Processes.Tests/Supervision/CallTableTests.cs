using Allot.Processes.Native;
using Allot.Processes.Seccomp;
using Allot.Processes.Supervision;
using Allot.Processes.Tests.Seccomp;

namespace Allot.Processes.Tests.Supervision;

// What the supervisor tests (FilterCondition.Matches) is what the kernel tests (the compiled filter), for every call of
// the real tables, and every call has an error that its manual page knows.
public sealed class CallTableTests
{
    private static readonly ulong[] s_values =
        [0, 1, 2, 6, 7, 11, 12, 0x10b, 0x3b71, 0x3b85, 0x40, 0x2000, 0x400000, 0x40000000, 0x8000000f, 0x100000001, 0x7e020080, 1031, 283, 4, 15, 16, ulong.MaxValue];

    [Theory]
    [InlineData(true, true, true), InlineData(true, false, true), InlineData(false, true, true)]
    [InlineData(true, true, false), InlineData(true, false, false), InlineData(false, true, false)]
    public void The_filter_notifies_of_exactly_what_the_rules_match(bool kernel, bool pins, bool x64)
    {
        SyscallTable numbers = x64 ? SyscallTable.X64 : SyscallTable.Arm64;
        CallTable table = CallTable.Create(numbers, kernel, pins);
        var random = new Random(7);
        for (int number = 0; number < 480; number++)
        {
            InterceptedCall? call = table.Find(number);
            for (int round = 0; round < 100; round++)
            {
                SeccompNotification.SyscallArguments arguments = default;
                for (int i = 0; i < 6; i++) arguments[i] = s_values[random.Next(s_values.Length)];
                bool matches = call is not null
                    && (call.Kernel.Exists(rule => rule.Condition.Matches(arguments)) || call.Pins.Exists(rule => rule.Condition.Matches(arguments)));
                byte[] data = BpfInterpreter.Data(number, numbers.AuditArchitecture, arguments);
                uint result = BpfInterpreter.Run(table.Filter.Instructions, data, out _);
                Assert.True(result == (matches ? SeccompFilter.Notify : SeccompFilter.Allow), $"call {number} of seed 7, round {round}");
            }
        }
    }

    [Fact]
    public void Without_a_limit_there_is_nothing()
    {
        CallTable table = CallTable.Create(SyscallTable.X64, kernel: false, pins: false);
        Assert.Null(table.Find(0));
        Assert.Null(table.Find(-1));
        Assert.Null(table.Find(int.MaxValue));
    }

    [Fact]
    public void Every_call_of_the_tables_exists_on_x64()
    {
        string[] missing =
        [
            .. KernelCalls.All.Select(static call => call.Name).Concat(PinCalls.All.Select(static call => call.Name))
                .Where(static name => !SyscallTable.X64.TryGetNumber(name, out _)),
        ];
        Assert.Empty(missing);
    }

    [Fact]
    public void Shortage_is_never_reported_as_a_permission_error()
    {
        int[] allowed = [Errno.ENOMEM, Errno.EAGAIN, Errno.ENOBUFS, Errno.ENOLCK];
        Assert.All(KernelCalls.All, call => Assert.Contains(call.RefusalErrno, allowed));
        Assert.All(PinCalls.All, call => Assert.Contains(call.RefusalErrno, allowed));
    }
}
