using Allot.Tests.Scopes;

namespace Allot.Tests.Buffers;

[Collection(ChecksSwitch.Name)]
public sealed class BufferLeakTests
{
    [Fact]
    public void With_the_checks_on_a_leak_is_reported_with_its_place()
    {
        using var checks = new ChecksOn();
        MemoryGroup group = new MemoryController().Root.CreateChild("acme");
        GroupMemoryPoolTests.Leak(group, 100);
        GroupMemoryPoolTests.CollectLeaks(() => group.Memory.CurrentBytes == 0);
        AllocationReport report = Assert.Single(
            checks.Reports, one => one.Message.Contains("'/acme'", StringComparison.Ordinal));
        Assert.Equal(AllocationReportKind.LeakedBuffer, report.Kind);
        Assert.StartsWith("A buffer of 112 bytes, charged to '/acme', was not disposed.", report.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(GroupMemoryPoolTests.Leak), report.FirstStack, StringComparison.Ordinal);
        Assert.Contains("\nAllocated here:\n", report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void With_the_checks_off_no_place_is_kept()
    {
        using var checks = new ChecksOn(isEnabled: false);
        using GroupBuffer buffer = GroupBuffer.Allocate(new MemoryController().Root, MemoryKind.User, 100);
        Assert.Null(buffer.Place);
    }
}
