// Where the secret lies: at the end of its pages, so that one byte too far is the guard page. Before it is what is left
// of the first page, and then the other guard.

using System.Buffers;
using System.Security.Cryptography;

namespace Allot;

/// <summary>A buffer for keys and passwords: locked, so never swapped out; between guard pages, so that who reads or
/// writes past its end is stopped; left out of core dumps and of child processes; and overwritten with zeros when it is
/// disposed. Charged to a group as memory and as pins.</summary>
/// <remarks>All members may be used from any thread. What is forgotten is zeroed and given back when it is collected,
/// which is counted as a leak. Spans and pointers do not keep it from that, and end with
/// <see cref="Dispose"/>.</remarks>
public sealed unsafe class SecretBuffer : IMemoryOwner<byte>, INativeBytes
{
    private static readonly PinAccountOptions s_account = new() { Kind = PinKind.Locked, Source = PinSource.Secret };

    private readonly LockHolder _holder;
    private readonly MemoryCharge _memory;
    private readonly PageRange _range;

    // Held while the access to the pages is changed, and while they are given back: they are somebody else's then.
    private readonly SteadyLock _gate = new();
    private volatile bool _disposed;

    /// <summary>Allocates and locks.</summary>
    /// <param name="group">Who pays: for whole pages, without the guards.</param>
    /// <param name="bytes">How much; 1 or more. It reads zero.</param>
    /// <param name="options">How it is kept; the defaults when null.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    /// <exception cref="MemoryLockException">The system refused to lock; nothing has changed.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is not positive.</exception>
    public SecretBuffer(MemoryGroup group, int bytes, SecretBufferOptions? options = null)
        : this(new PinAccount(group, s_account), bytes, options)
    {
    }

    /// <summary>Allocates and locks for a worker. The lock moves with him.</summary>
    /// <param name="worker">Whose group pays: for whole pages, without the guards.</param>
    /// <param name="bytes">How much; 1 or more. It reads zero.</param>
    /// <param name="options">How it is kept; the defaults when null.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    /// <exception cref="MemoryLockException">The system refused to lock; nothing has changed.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is not positive.</exception>
    public SecretBuffer(PinWorker worker, int bytes, SecretBufferOptions? options = null)
        : this(new PinAccount(worker, s_account), bytes, options)
    {
    }

    private SecretBuffer(PinAccount account, int bytes, SecretBufferOptions? options)
    {
        try
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
            Length = bytes;
            _holder = new LockHolder(account);
            (_memory, _range) = LockedRegion.Create(_holder, PageRange.RoundUp(bytes), MemoryLockMode.Now);
        }
        catch
        {
            GC.SuppressFinalize(this);
            account.Dispose();
            throw;
        }

        IsHidden = NativeRegion.TryHide(_range, options?.WipesOnFork ?? true);
    }

    /// <summary>Zeroes and gives back what was forgotten.</summary>
    ~SecretBuffer() => LetGo(isForgotten: true);

    /// <summary>The group that pays for the lock.</summary>
    public MemoryGroup Group => _holder.Account.Group;

    /// <summary>Its length in bytes.</summary>
    public int Length { get; }

    /// <summary>Whether the system keeps it out of core dumps and children: Linux 4.14 and later.</summary>
    public bool IsHidden { get; }

    /// <summary>All of it. Access that was taken away ends the process.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Content;
        }
    }

    private Span<byte> Content => new((void*)(_range.End - (nuint)Length), Length);

    /// <summary>All of it, for who wants it as a <see cref="Memory{T}"/>.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public Memory<byte> Memory => NativeBytes.MemoryOf(this);

    /// <summary>Lets nobody read or write it until access is given again: for the time in which it is not
    /// needed.</summary>
    /// <exception cref="InvalidOperationException">The system refused.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows, which unlocks what nobody may read: it could be
    /// swapped out then. <see cref="AllowReading"/> takes writing away.</exception>
    public void DenyAccess()
    {
        if (!NativeRegion.LocksWhatIsDenied)
        {
            throw new PlatformNotSupportedException(
                "Windows unlocks pages that nobody may read. AllowReading takes writing away.");
        }

        SetAccess(canRead: false, canWrite: false);
    }

    /// <summary>Lets everybody read it, and nobody write it.</summary>
    /// <exception cref="InvalidOperationException">The system refused.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void AllowReading() => SetAccess(canRead: true, canWrite: false);

    /// <summary>Lets everybody read and write it, as at first.</summary>
    /// <exception cref="InvalidOperationException">The system refused.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void AllowWriting() => SetAccess(canRead: true, canWrite: true);

    /// <summary>Overwrites it with zeros, unlocks it and gives it back. Safe to call twice and from any
    /// thread.</summary>
    public void Dispose()
    {
        LetGo(isForgotten: false);
        GC.SuppressFinalize(this);
    }

    private void SetAccess(bool canRead, bool canWrite)
    {
        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (NativeRegion.TryProtect(_range, canRead, canWrite)) return;
        }

        throw new InvalidOperationException("The system did not change the access to the pages of the secret.");
    }

    private void LetGo(bool isForgotten)
    {
        if (_holder is null) return;   // the constructor has thrown
        if (isForgotten) PinLeaks.Report(_holder.Account);
        using (_gate.EnterScope())
        {
            if (_disposed) return;
            _disposed = true;
            if (NativeRegion.TryProtect(_range, canRead: true, canWrite: true))
            {
                CryptographicOperations.ZeroMemory(Content);
            }

            LockedRegion.Release(_holder, _memory, _range);
        }
    }
}
