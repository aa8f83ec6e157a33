// The two queues that are shared with the kernel. One operation at a time: it is written, submitted and waited for in
// one call. Each has a number, by which its completion is known: one that was given up may complete later.

using System.Runtime.InteropServices;

namespace Allot;

/// <summary>An open io_uring. Not thread-safe.</summary>
internal sealed unsafe class RingQueues
{
    private readonly int _file;
    private readonly RingCalls.Parameters _parameters;
    private readonly nint _submissions;
    private readonly nint _completions;
    private readonly RingCalls.Submission* _entries;
    private ulong _lastNumber;

    /// <exception cref="PlatformNotSupportedException">The system has no io_uring, or does not allow it.</exception>
    /// <exception cref="MemoryLockException">The system refused for want of memory.</exception>
    public RingQueues(int entries, uint flags = 0)
    {
        RingCalls.Parameters parameters = new() { Flags = flags };
        _file = RingCalls.Setup((uint)entries, &parameters);
        if (_file < 0) throw OfSetup(Marshal.GetLastPInvokeError());
        _parameters = parameters;
        if ((parameters.Features & RingCalls.FeatureSingleMap) == 0) throw Fail("before Linux 5.4 is not supported");
        _submissions = RingCalls.Map(_file, RingBytes, RingCalls.SubmissionOffset);
        if (_submissions == -1) throw Fail("could not be mapped");
        _completions = _submissions;
        nint map = RingCalls.Map(_file, EntriesBytes, RingCalls.EntriesOffset);
        if (map == -1)
        {
            _ = RingCalls.Unmap(_submissions, RingBytes);
            throw Fail("could not be mapped");
        }

        _entries = (RingCalls.Submission*)map;
    }

    /// <summary>The descriptor of the ring.</summary>
    public int File => _file;

    private nuint RingBytes => Math.Max(
        _parameters.Submission.Items + (_parameters.SubmissionEntries * sizeof(uint)),
        _parameters.Completion.CompletionItems
            + (_parameters.CompletionEntries * (uint)sizeof(RingCalls.Completion)));

    private nuint EntriesBytes => _parameters.SubmissionEntries * (nuint)sizeof(RingCalls.Submission);

    /// <summary>Registers buffers; the kernel pins their pages.</summary>
    /// <returns>0, or the error of the system.</returns>
    public int Register(ReadOnlySpan<RingCalls.Vector> buffers)
    {
        fixed (RingCalls.Vector* first = buffers)
        {
            int result = RingCalls.Register(_file, RingCalls.RegisterBuffersOpcode, first, (uint)buffers.Length);
            return result >= 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Ends the registration.</summary>
    /// <returns>0, or the error of the system.</returns>
    public int Unregister()
    {
        while (RingCalls.Register(_file, RingCalls.UnregisterBuffersOpcode, null, 0) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != RingCalls.ErrorInterrupted) return error;
        }

        return 0;
    }

    /// <summary>Does one operation.</summary>
    /// <returns>What it transferred; below 0, the negative error of the system.</returns>
    public int Do(in RingCalls.Submission operation)
    {
        RingCalls.Offsets queue = _parameters.Submission;
        uint tail = Volatile.Read(ref At(_submissions, queue.Tail));
        uint index = tail & At(_submissions, queue.Mask);
        ulong number = ++_lastNumber;
        _entries[index] = operation with { UserData = number };
        At(_submissions, queue.Items + (index * sizeof(uint))) = index;
        Volatile.Write(ref At(_submissions, queue.Tail), tail + 1);
        uint submit = 1;
        while (true)
        {
            if (TryReap(number, out int result)) return result;
            int entered = RingCalls.Enter(_file, submit, 1, RingCalls.EnterGetEvents);
            if (entered >= 0)
            {
                submit -= (uint)Math.Min(entered, (int)submit);
                continue;
            }

            // An interrupted wait has submitted; one that is refused has not.
            int error = Marshal.GetLastPInvokeError();
            if (error is not (RingCalls.ErrorInterrupted or RingCalls.ErrorTryAgain))
            {
                // What the kernel has not taken is taken back: the next call would submit it too.
                if (Volatile.Read(ref At(_submissions, queue.Head)) == tail)
                {
                    Volatile.Write(ref At(_submissions, queue.Tail), tail);
                }

                return -error;
            }

            submit = Volatile.Read(ref At(_submissions, queue.Head)) == tail + 1 ? 0u : 1u;
        }
    }

    public void Close()
    {
        _ = RingCalls.Unmap((nint)_entries, EntriesBytes);
        _ = RingCalls.Unmap(_submissions, RingBytes);
        _ = RingCalls.Close(_file);
    }

    // Takes completions off the queue until that of the operation.
    private bool TryReap(ulong number, out int result)
    {
        RingCalls.Offsets queue = _parameters.Completion;
        var completions = (RingCalls.Completion*)(_completions + (nint)queue.CompletionItems);
        uint head = At(_completions, queue.Head);
        while (head != Volatile.Read(ref At(_completions, queue.Tail)))
        {
            RingCalls.Completion completion = completions[head & At(_completions, queue.Mask)];
            Volatile.Write(ref At(_completions, queue.Head), ++head);
            if (completion.UserData != number) continue;
            result = completion.Result;
            return true;
        }

        result = 0;
        return false;
    }

    private static ref uint At(nint ring, uint offset) => ref *(uint*)(ring + (nint)offset);

    private PlatformNotSupportedException Fail(string why)
    {
        _ = RingCalls.Close(_file);
        return new PlatformNotSupportedException($"The io_uring {why}.");
    }

    private static Exception OfSetup(int error) => error switch
    {
        RingCalls.ErrorNoMemory => new MemoryLockException(
            "Cannot create an io_uring: the system has no memory for it, or the user would pass what he may lock and "
            + $"pin ({ProcessRights.ReadLockLimit()} bytes, RLIMIT_MEMLOCK).",
            error),
        RingCalls.ErrorNoSuchCall => new PlatformNotSupportedException(
            "This kernel has no io_uring, or a filter hides it."),
        RingCalls.ErrorNotPermitted => new PlatformNotSupportedException(
            "io_uring is switched off here: see /proc/sys/kernel/io_uring_disabled, or the filter of the container."),
        _ => new PlatformNotSupportedException(
            $"Cannot create an io_uring: {Marshal.GetPInvokeErrorMessage(error)}."),
    };
}
