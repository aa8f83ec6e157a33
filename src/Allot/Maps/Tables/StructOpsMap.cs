// One value: a table of functions, with a state. Linux' value begins with a count of references and the state;
// functions and data follow. Here functions are delegates, set by index before the table is written, and the value
// holds data.
//
//   Init --write--> InUse --delete--> ToBeFreed          without the flag LINK
//   Init --write--> Ready --attach--> InUse --detach--> Ready    with it

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A table of functions that is registered as one: the host's delegates, or programs behind them.</summary>
public sealed unsafe class StructOpsMap : GroupMap
{
    private const int StateOffset = 4, DataOffset = 64;
    private const int InProgress = -115;   // EINPROGRESS

    private readonly Lock _lock = new();
    private readonly Delegate?[] _functions;
    private readonly byte* _value;
    private IStructOpsTarget? _target;
    private StructOpsState _state;

    /// <summary>Makes the table and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes, the capacity is 1, there is a function at least.</param>
    /// <exception cref="MapRefusedException">The definition is none of a table.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public StructOpsMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _value = Memory.Allocate(definition, definition.ValueBytes);
        Memory.Hold(definition, (Int128)definition.FunctionCount * sizeof(ulong));
        _functions = new Delegate?[definition.FunctionCount];
    }

    /// <summary>How far it is.</summary>
    public StructOpsState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    /// <summary>1: there is one table.</summary>
    public override long Count => 1;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        MapFootprint value = MapFootprint.Fixed(definition.ValueBytes);
        return MapFootprint.Held((Int128)value.CreatedBytes + ((Int128)definition.FunctionCount * sizeof(ulong)));
    }

    /// <summary>Who is to call the functions. Before the table is written.</summary>
    /// <param name="target">The part of the host.</param>
    /// <exception cref="InvalidOperationException">The table was written.</exception>
    public void SetTarget(IStructOpsTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        lock (_lock)
        {
            RequireInit();
            _target = target;
        }
    }

    /// <summary>Sets a function. Before the table is written.</summary>
    /// <param name="index">Which of the functions.</param>
    /// <param name="function">What is called; null for none.</param>
    /// <exception cref="InvalidOperationException">The table was written.</exception>
    public void SetFunction(int index, Delegate? function)
    {
        lock (_lock)
        {
            RequireInit();
            _functions[index] = function;
        }
    }

    /// <summary>Registers a table that was written and has the flag LINK.</summary>
    /// <returns>0, or the error of Linux as a negative number: -22 (EINVAL) when it is not ready, or was not taken.
    /// </returns>
    public int Attach()
    {
        lock (_lock) return _state == StructOpsState.Ready ? Register_NeedsLock() : MapErrors.Invalid;
    }

    /// <summary>Ends what <see cref="Attach"/> began; it can be attached again.</summary>
    /// <returns>0, or -22 (EINVAL) when it is not attached.</returns>
    public int Detach()
    {
        lock (_lock)
        {
            if (!Definition.Has(MapFlags.Link) || _state != StructOpsState.InUse) return MapErrors.Invalid;
            _target!.Unregister();
            SetState_NeedsLock(StructOpsState.Ready);
            return MapErrors.None;
        }
    }

    /// <summary>Programs do not see the table.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <summary>Writes the table, and registers it unless it has the flag LINK. Once.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags != MapErrors.Any) return MapErrors.Invalid;
        if (Unsafe.ReadUnaligned<uint>(key) != 0) return MapErrors.TooBig;
        bool isClean = *(ulong*)value == 0;   // references and state are ours
        if (!isClean) return MapErrors.Invalid;
        lock (_lock)
        {
            if (_state != StructOpsState.Init) return MapErrors.Busy;
            Unsafe.CopyBlockUnaligned(_value, value, (uint)Definition.ValueBytes);
            if (!Definition.Has(MapFlags.Link)) return Register_NeedsLock();
            SetState_NeedsLock(StructOpsState.Ready);
            return MapErrors.None;
        }
    }

    /// <summary>Unregisters the table, for good.</summary>
    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        lock (_lock)
        {
            if (Definition.Has(MapFlags.Link)) return MapErrors.NotOfThisKind;
            if (_state == StructOpsState.Init) return MapErrors.NotFound;
            if (_state == StructOpsState.ToBeFreed) return InProgress;
            _target!.Unregister();
            SetState_NeedsLock(StructOpsState.ToBeFreed);
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next) => NextIndex(key, next);

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        if (Unsafe.ReadUnaligned<uint>(key) != 0) return MapErrors.NotFound;
        lock (_lock) Unsafe.CopyBlockUnaligned(value, _value, (uint)Definition.ValueBytes);
        return MapErrors.None;
    }

    private protected override void LoseOwner()
    {
        lock (_lock)
        {
            if (_state != StructOpsState.InUse) return;
            _target!.Unregister();
            SetState_NeedsLock(StructOpsState.ToBeFreed);
        }
    }

    private int Register_NeedsLock()
    {
        var data = new ReadOnlySpan<byte>(_value + DataOffset, (int)Definition.ValueBytes - DataOffset);
        if (_target is null || !_target.TryRegister(Array.AsReadOnly(_functions), data)) return MapErrors.Invalid;
        SetState_NeedsLock(StructOpsState.InUse);
        return MapErrors.None;
    }

    private void SetState_NeedsLock(StructOpsState state)
    {
        _state = state;
        *(uint*)(_value + StateOffset) = (uint)state;
    }

    private void RequireInit()
    {
        if (_state != StructOpsState.Init) throw new InvalidOperationException("The table was written already.");
    }
}
