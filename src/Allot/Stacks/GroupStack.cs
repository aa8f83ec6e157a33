// The stack of one thread, and who pays for it, recorded (I7).
//
// Two charges. The first is made before the thread exists, for the size that was asked for. The C library may take a
// stack that it has kept from an ended thread, of up to four times the size; that is known only on the thread, and all
// of it is memory that the thread can have. So the thread looks in its first line, and what it has beyond the first
// charge is force-charged: it exists already.
//
// The end. Bytes go back in the thread's last managed frame. Its stack is taken by the system right after that, and no
// code of ours runs any more by then, so threads on their way out are not in the count. Who would wait for the system
// instead would have Join return before the bytes are back.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Allot;

[SuppressMessage("Design", "CA1001", Justification = "What it owns goes back when the thread ends.")]
internal sealed class GroupStack
{
    private readonly MemoryGroup _group;
    private readonly ThreadStart _start;
    private readonly MemoryCharge _charge;
    private readonly int _askedBytes;
    private bool _isCounted;

    // Force-charged beyond _charge. What is in the tally == counted bytes of _charge + _surplusBytes.
    private long _surplusBytes;

    public GroupStack(MemoryGroup group, GroupThreadOptions options, ThreadStart start)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(start);
        options.Validate();
        _group = group;
        _start = start;
        _askedBytes = options.StackBytes;
        Bytes = ThreadStack.ChargeFor(_askedBytes);
        Thread = new Thread(Run, _askedBytes == 0 ? 0 : Math.Max(_askedBytes, ThreadStack.LeastBytes))
        {
            Name = options.Name,
            IsBackground = options.IsBackground,
            Priority = options.Priority,
        };
        _charge = new MemoryCharge(group, MemoryKind.Kernel);
    }

    public Thread Thread { get; }

    /// <summary>What is charged before the thread exists.</summary>
    public long Bytes { get; }

    /// <exception cref="MemoryLimitExceededException">Refused; this object is of no use any more.</exception>
    public void Charge()
    {
        try
        {
            _charge.Grow(Bytes);
            Record();
        }
        catch (MemoryLimitExceededException refused)
        {
            _charge.Dispose();
            string thread = Thread.Name is { } name ? $"the thread '{name}'" : "a thread";
            throw new MemoryLimitExceededException(
                $"Cannot start {thread} of '{_group.Path}', whose stack takes {Bytes} bytes.", refused.Refusal);
        }
        catch
        {
            _charge.Dispose();
            throw;
        }
    }

    /// <returns>False when refused; this object is of no use any more then.</returns>
    public bool TryCharge(out ChargeRefusal refusal)
    {
        bool isRecorded = false;
        try
        {
            if (!_charge.TryGrow(Bytes, out refusal)) return false;
            Record();
            return isRecorded = true;
        }
        finally
        {
            if (!isRecorded) _charge.Dispose();
        }
    }

    /// <summary>Starts what is charged.</summary>
    /// <param name="start">How: whether the flow of the caller goes on in the thread.</param>
    /// <exception cref="InsufficientMemoryException">The system could not; nothing is charged.</exception>
    public void StartThread(Action<Thread> start)
    {
        try
        {
            start(Thread);
        }
        catch (Exception failure)
        {
            GiveBack();
            if (failure is not OutOfMemoryException) throw;
            throw new InsufficientMemoryException(
                $"The system could not make a thread with a stack of {Bytes} bytes. Nothing is charged for it.",
                failure);
        }
    }

    // The last thing that can fail: the tally may have to grow. From here on the thread is in it.
    private void Record()
    {
        // The charge keeps the group from beginning to count meanwhile, and the scopes are still those it was made in.
        _isCounted = _group.Counts(MemoryKind.Kernel) && !ThreadContext.BlocksAccounting;
        StackTally.Add(_group, threads: 1, CountedBytes);
    }

    // What the thread does.
    private void Run()
    {
        try
        {
            Settle();
            _ = ThreadGroups.Enter(_group);   // for as long as the thread lives: there is nothing to restore
            _start();
        }
        finally
        {
            GiveBack();
            ThreadReserves.GiveBackOwn();   // who is gone holds nothing in advance
        }
    }

    // Pays for what the stack really is.
    private void Settle()
    {
        long real = ThreadStack.MeasureOwn(_askedBytes);
        if (!_isCounted || real == 0) return;
        if (real < Bytes)
        {
            StackTally.Add(_group, threads: 0, real - Bytes);
            _charge.Shrink(Bytes - real);
        }
        else if (real > Bytes)
        {
            _surplusBytes = real - Bytes;
            _group.Force(CounterKind.Kernel, _surplusBytes);
            _group.Force(CounterKind.Memory, _surplusBytes);
            StackTally.Add(_group, threads: 0, _surplusBytes);
        }
    }

    private void GiveBack()
    {
        StackTally.Add(_group, threads: -1, -CountedBytes);
        if (_surplusBytes > 0) _group.UnchargeRecorded(MemoryKind.Kernel, _surplusBytes);
        _charge.Dispose();
        Debug.Assert(_charge.Bytes == 0, "What is disposed owns nothing.");
    }

    private long CountedBytes => _isCounted ? _charge.Bytes + _surplusBytes : 0;
}
