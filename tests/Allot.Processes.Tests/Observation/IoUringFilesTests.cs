using System.Runtime.InteropServices;
using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

/// <summary>Rings of this test process, made by the raw calls.</summary>
public sealed unsafe partial class IoUringFilesTests
{
    private const nint SetupCall = 425, RegisterCall = 427;
    private const int RegisterBuffers = 0;
    private const int ParametersBytes = 120;

    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        internal nint Address;
        internal nuint Length;
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    private static int SetupOrSkip()
    {
        byte* parameters = stackalloc byte[ParametersBytes];
        new Span<byte>(parameters, ParametersBytes).Clear();
        nint ring = SystemCall(SetupCall, 4, (nint)parameters, 0, 0);
        Assert.SkipWhen(ring < 0, "This kernel, or its settings, give no io_uring.");
        return (int)ring;
    }

    private static IoUringFile? Find(int pid, int descriptor)
    {
        var files = new List<IoUringFile>();
        Assert.True(IoUringFiles.Read(pid, files));
        int index = files.FindIndex(file => file.Descriptor == descriptor);
        return index < 0 ? null : files[index];
    }

    [Fact]
    public void Registered_buffers_are_counted_in_whole_pages()
    {
        int ring = SetupOrSkip();
        try
        {
            IoUringFile empty = Assert.NotNull(Find(Environment.ProcessId, ring));
            Assert.Equal(0, empty.BufferCount);
            Assert.Equal(0, empty.BufferBytes);
            Assert.True(empty.BuffersListed);
            Assert.NotEqual(0UL, empty.Inode);

            using var memory = new OwnMemory(16);
            Buffer* buffers = stackalloc Buffer[2];
            buffers[0] = new Buffer { Address = memory.Address, Length = (nuint)(4 * OwnMemory.PageBytes) };
            // A page's length that begins in the middle of one: two pages.
            buffers[1] = new Buffer { Address = memory.Address + 8 * OwnMemory.PageBytes + 100, Length = (nuint)OwnMemory.PageBytes };
            Assert.SkipWhen(SystemCall(RegisterCall, ring, RegisterBuffers, (nint)buffers, 2) < 0, "RLIMIT_MEMLOCK is too small.");

            IoUringFile full = Assert.NotNull(Find(Environment.ProcessId, ring));
            Assert.Equal(2, full.BufferCount);
            Assert.True(full.BuffersListed);
            Assert.Equal(6 * OwnMemory.PageBytes, full.BufferBytes);
            Assert.True(ProcessStatus.TryRead(Environment.ProcessId, out ProcessStatus status));
            Assert.True(status.PinnedBytes >= full.BufferBytes);
        }
        finally
        {
            _ = Close(ring);
        }
        Assert.Null(Find(Environment.ProcessId, ring));
    }

    [Fact]
    public void Two_rings_have_two_inodes()
    {
        int one = SetupOrSkip(), two = SetupOrSkip();
        try
        {
            Assert.NotEqual(Find(Environment.ProcessId, one)!.Value.Inode, Find(Environment.ProcessId, two)!.Value.Inode);
        }
        finally
        {
            _ = Close(one);
            _ = Close(two);
        }
    }

    [Fact]
    public void A_child_that_inherited_a_ring_shows_the_pins_that_its_dead_parent_made()
    {
        // The parent registers 64 KiB and dies; VmPin of the child is 0, and yet the memory stays pinned.
        string program = Path.Combine(Path.GetTempPath(), $"allot-ring-{Guid.NewGuid():N}.py");
        File.WriteAllText(program, """
            import ctypes, os, sys
            libc = ctypes.CDLL(None, use_errno=True)
            libc.mmap.restype = ctypes.c_void_p
            ring = libc.syscall(425, 4, ctypes.create_string_buffer(120))
            memory = libc.mmap(None, ctypes.c_size_t(65536), 3, 0x22, -1, ctypes.c_long(0))
            iovec = (ctypes.c_size_t * 2)(memory, 65536)
            if ring < 0 or libc.syscall(427, ring, 0, iovec, 1) < 0:
                print("refused", flush=True)
                sys.exit()
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(writer)
                os.read(reader, 1)          # until the parent is dead
                print(os.getpid(), ring, flush=True)
                sys.stdin.readline()
                os._exit(0)
            os._exit(0)
            """);
        try
        {
            TestProcess process;
            try { process = TestProcess.Start("python3", program); }
            catch (System.ComponentModel.Win32Exception)
            {
                Assert.Skip("python3 is not installed.");
                return;
            }
            using (process)
            {
                string line = process.ReadLine()!;
                Assert.SkipWhen(line == "refused", "io_uring or its buffers are refused here.");
                int[] numbers = [.. line.Split(' ').Select(word => int.Parse(word, System.Globalization.CultureInfo.InvariantCulture))];
                Assert.True(ProcessStatus.TryRead(numbers[0], out ProcessStatus status));
                Assert.Equal(0, status.PinnedBytes);
                IoUringFile ring = Assert.NotNull(Find(numbers[0], numbers[1]));
                Assert.Equal(65536, ring.BufferBytes);
                process.WriteLine();
            }
        }
        finally
        {
            File.Delete(program);
        }
    }

    [Fact]
    public void A_process_without_rings_has_none()
    {
        using TestProcess process = TestProcess.Shell("echo ready; read line").WaitReady();
        var files = new List<IoUringFile> { default };
        Assert.True(IoUringFiles.Read(process.Pid, files));
        Assert.Empty(files);
    }
}
