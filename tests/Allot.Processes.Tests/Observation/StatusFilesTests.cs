using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

public sealed class StatusFilesTests
{
    [Fact]
    public void What_is_read_again_is_new()
    {
        using var files = new StatusFiles();
        Assert.True(files.TryRead(Environment.ProcessId, out ProcessStatus before));
        using var memory = new OwnMemory(16 * 1024);   // as much as no other test unmaps meanwhile
        Assert.True(files.TryRead(Environment.ProcessId, out ProcessStatus after));
        Assert.Equal(Environment.ProcessId, after.ThreadGroupId);
        Assert.True(after.VirtualBytes != before.VirtualBytes, "The file was opened before and is read anew.");
    }

    [Fact]
    public void A_process_that_has_gone_is_gone_also_for_its_open_file()
    {
        using var files = new StatusFiles();
        int pid;
        using (TestProcess process = TestProcess.Shell("echo ready; read line"))
        {
            pid = process.WaitReady().Pid;
            Assert.True(files.TryRead(pid, out ProcessStatus status));
            Assert.Equal(pid, status.ThreadGroupId);
        }

        Assert.False(files.TryRead(pid, out _));
    }

    [Fact]
    public void More_processes_than_files_may_be_open_are_all_read()
    {
        using var files = new StatusFiles(filesMax: 2);
        using TestProcess first = TestProcess.Shell("read line"), second = TestProcess.Shell("read line");
        int[] ids = [Environment.ProcessId, first.Pid, second.Pid];
        foreach (int id in ids.Concat(ids))
        {
            Assert.True(files.TryRead(id, out ProcessStatus status));
            Assert.Equal(id, status.ThreadGroupId);
        }
    }

    [Fact]
    public void No_such_process()
    {
        using var files = new StatusFiles();
        Assert.False(files.TryRead(int.MaxValue, out _));
        Assert.False(files.TryRead(0, out _));
    }

    [Fact]
    public void Reading_again_allocates_nothing()
    {
        using var files = new StatusFiles();
        Allocations.AssertNone(() => files.TryRead(Environment.ProcessId, out _));
    }
}
