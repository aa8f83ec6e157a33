// Buffers that are registered with an io_uring stay pinned by the kernel until they are unregistered, whatever happens
// to the memory. The kernel counts whole pages for each buffer, also where two share one.
//
// Order: keep the collector from moving them, charge, register. In the opposite order it ends. The ring is closed last,
// because the kernel lets go of what a closed ring holds only some time later.

using System.Buffers;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Allot;

/// <summary>A Linux io_uring with buffers that are registered, so pinned, for reading and writing files; a group pays
/// for the pins.</summary>
/// <remarks>All members may be used from any thread; operations are done one after the other. Whether the process may
/// pass its own limit (<see cref="MemoryLockLimit"/>) is decided when the ring is created, here as in the kernel. A
/// ring that is forgotten is closed when it is collected, which is counted as a leak.</remarks>
public sealed unsafe class IoRing : IDisposable
{
    private const long BufferBytesMax = 1L << 30;
    private const int BuffersMax = 16384;
    private const int Entries = 4;   // operations are done one at a time

    private static readonly PinAccountOptions s_account = new() { Kind = PinKind.Pinned, Source = PinSource.Ring };

    private readonly SteadyLock _gate = new();
    private readonly RingQueues? _queues;
    private readonly PinAccount _account;

    // Under the gate. The account holds the pages of _lengths buffers, which _handles keep from moving.
    private MemoryHandle[] _handles = [];
    private Memory<byte>[] _buffers = [];   // a pin of an array that is pinned already keeps nothing alive
    private RingCalls.Vector[] _vectors = [];
    private long _bytes;
    private bool _disposed;

    /// <summary>Creates a ring without buffers.</summary>
    /// <param name="group">Who pays for buffers.</param>
    /// <exception cref="PlatformNotSupportedException">The system has no io_uring, or does not allow it.</exception>
    /// <exception cref="MemoryLockException">The system refused: its own limit.</exception>
    public IoRing(MemoryGroup group)
    {
        _account = new PinAccount(group, s_account);
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("io_uring is of Linux.");
        _queues = new RingQueues(Entries);
    }

    /// <summary>The same with a ring that is there already.</summary>
    internal IoRing(MemoryGroup group, RingQueues queues) =>
        (_account, _queues) = (new PinAccount(group, s_account), queues);

    /// <summary>Closes what was forgotten.</summary>
    ~IoRing()
    {
        if (_queues is null || _disposed) return;   // the constructor has thrown, or foreign code when it was disposed
        PinLeaks.Report(_account);
        try
        {
            LetGo();
        }
        catch (Exception thrown)
        {
            TraceReport.Error($"a buffer of a forgotten ring threw, which was contained: "
                + TraceReport.Describe(thrown));
        }
    }


    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _account.Group;

    /// <summary>How many buffers are registered.</summary>
    public int BufferCount
    {
        get
        {
            using (_gate.EnterScope()) return _vectors.Length;
        }
    }

    /// <summary>The bytes that are pinned: the whole pages of each buffer.</summary>
    public long PinnedBytes => _account.Bytes;

    /// <summary>Registers buffers; they are known by their index from then on. Registered ones end first: see
    /// <see cref="Unregister"/>.</summary>
    /// <param name="buffers">What is pinned: 1 to 16384 buffers of 1 byte to 1 GiB.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing is
    /// registered.</exception>
    /// <exception cref="MemoryLockException">The system refused: its own limit; nothing is registered.</exception>
    /// <exception cref="ArgumentException">There is no buffer, too many, or one that is empty or too large.</exception>
    /// <exception cref="InvalidOperationException">Buffers are registered already.</exception>
    /// <exception cref="ObjectDisposedException">The ring is disposed.</exception>
    public void Register(params ReadOnlySpan<Memory<byte>> buffers)
    {
        if (buffers.Length is 0 or > BuffersMax)
        {
            throw new ArgumentException($"A ring has 1 to {BuffersMax} buffers.", nameof(buffers));
        }

        foreach (Memory<byte> buffer in buffers)
        {
            if (buffer.Length is > 0 and <= (int)BufferBytesMax) continue;
            throw new ArgumentException($"A buffer has 1 byte to 1 GiB, not {buffer.Length} bytes.", nameof(buffers));
        }

        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_vectors.Length > 0) throw new InvalidOperationException("Buffers are registered already.");
            Register_NeedsGate(buffers);
        }
    }

    /// <summary>Ends the registration of all buffers. Does nothing when there are none.</summary>
    /// <exception cref="MemoryLockException">The system did not; they stay registered and charged.</exception>
    public void Unregister()
    {
        using (_gate.EnterScope())
        {
            if (!_disposed) Unregister_NeedsGate();
        }
    }

    /// <summary>Reads from a file into a registered buffer, from its beginning.</summary>
    /// <param name="file">What to read.</param>
    /// <param name="buffer">The index of the buffer.</param>
    /// <param name="bytes">How much at most.</param>
    /// <param name="fileOffset">Where in the file.</param>
    /// <returns>How much was read; 0 at the end of the file.</returns>
    /// <exception cref="IOException">The system could not.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such buffer, or it is shorter.</exception>
    /// <exception cref="ObjectDisposedException">The ring is disposed.</exception>
    public int Read(SafeFileHandle file, int buffer, int bytes, long fileOffset) =>
        Do(RingCalls.ReadFixed, file, buffer, bytes, fileOffset);

    /// <summary>Writes the beginning of a registered buffer to a file.</summary>
    /// <param name="file">What to write.</param>
    /// <param name="buffer">The index of the buffer.</param>
    /// <param name="bytes">How much at most.</param>
    /// <param name="fileOffset">Where in the file.</param>
    /// <returns>How much was written.</returns>
    /// <exception cref="IOException">The system could not.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such buffer, or it is shorter.</exception>
    /// <exception cref="ObjectDisposedException">The ring is disposed.</exception>
    public int Write(SafeFileHandle file, int buffer, int bytes, long fileOffset) =>
        Do(RingCalls.WriteFixed, file, buffer, bytes, fileOffset);

    /// <summary>Unregisters the buffers and closes the ring. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        LetGo();
        GC.SuppressFinalize(this);
    }

    private void Register_NeedsGate(ReadOnlySpan<Memory<byte>> buffers)
    {
        Memory<byte>[] kept = buffers.ToArray();
        var handles = new MemoryHandle[buffers.Length];
        var vectors = new RingCalls.Vector[buffers.Length];
        long bytes = 0;
        try
        {
            // Addresses are known once the buffers are held; they tell how many pages each of them touches.
            for (int i = 0; i < buffers.Length; i++)
            {
                handles[i] = buffers[i].Pin();
                nint address = (nint)handles[i].Pointer;
                vectors[i] = new() { Address = address, Length = (nuint)buffers[i].Length };
                bytes += PageRange.Of(address, buffers[i].Length).Bytes;
            }

            _account.Pin(bytes);
            int error = _queues!.Register(vectors);
            if (error != 0)
            {
                _account.Unpin(bytes);
                throw new MemoryLockException(
                    $"Cannot register {vectors.Length} buffers of {bytes} bytes in whole pages: "
                    + (error == RingCalls.ErrorNoMemory
                        ? $"the user would pass what he may lock and pin ({_account.LimitBytes} bytes, RLIMIT_MEMLOCK)."
                        : Marshal.GetPInvokeErrorMessage(error) + "."),
                    error);
            }
        }
        catch
        {
            LetMove(handles);
            throw;
        }

        KernelPinned.OfProcess.Add(bytes);
        (_handles, _buffers, _vectors, _bytes) = (handles, kept, vectors, bytes);
    }

    private void Unregister_NeedsGate()
    {
        if (_vectors.Length == 0) return;
        int error = _queues!.Unregister();
        if (error != 0)
        {
            throw new MemoryLockException(
                $"Cannot unregister {_vectors.Length} buffers: {Marshal.GetPInvokeErrorMessage(error)}. They stay "
                + "registered, and charged.",
                error);
        }

        Forget_NeedsGate();
    }

    // What the kernel has let go of.
    private void Forget_NeedsGate()
    {
        MemoryHandle[] handles = _handles;
        KernelPinned.OfProcess.Add(-_bytes);
        _account.Unpin(_bytes);
        (_handles, _buffers, _vectors, _bytes) = ([], [], [], 0);
        LetMove(handles);
    }

    // The end of a pin may be foreign code: what it throws does not keep the others.
    private static void LetMove(MemoryHandle[] handles)
    {
        Exception? first = null;
        foreach (MemoryHandle handle in handles)
        {
            try
            {
                handle.Dispose();
            }
            catch (Exception thrown)
            {
                first ??= thrown;
            }
        }

        if (first is not null) ExceptionDispatchInfo.Throw(first);
    }

    private int Do(byte opcode, SafeFileHandle file, int buffer, int bytes, long fileOffset)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentOutOfRangeException.ThrowIfNegative(fileOffset);
        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            using (_gate.EnterScope())
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                ArgumentOutOfRangeException.ThrowIfNegative(buffer);
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(buffer, _vectors.Length);
                ArgumentOutOfRangeException.ThrowIfNegative(bytes);
                ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (long)_vectors[buffer].Length);
                int result = _queues!.Do(new RingCalls.Submission
                {
                    Opcode = opcode,
                    File = (int)file.DangerousGetHandle(),
                    Offset = (ulong)fileOffset,
                    Address = (ulong)_vectors[buffer].Address,
                    Length = (uint)bytes,
                    BufferIndex = (ushort)buffer,
                });
                if (result >= 0) return result;
                throw new IOException($"The io_uring could not: {Marshal.GetPInvokeErrorMessage(-result)}.");
            }
        }
        finally
        {
            if (isHeld) file.DangerousRelease();
        }
    }

    private void LetGo()
    {
        using (_gate.EnterScope())
        {
            if (_disposed) return;
            _disposed = true;
            if (_vectors.Length > 0) _ = _queues!.Unregister();
            _queues!.Close();
            try
            {
                Forget_NeedsGate();   // also what could not be unregistered: it ends with the ring
            }
            finally
            {
                _account.Dispose();
            }
        }
    }
}
