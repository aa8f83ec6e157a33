using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Programs by index, for tail calls. The host puts them there, by <see cref="BpfTailCalls.Set"/> or as the
/// numbers of <see cref="MapHandles"/>.</summary>
public sealed unsafe class BpfProgramArray : GroupMap
{
    private readonly Lock _lock = new();
    private readonly ITailTarget?[] _programs;

    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key and a value have 4 bytes.</param>
    /// <exception cref="MapRefusedException">The definition is none of such an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public BpfProgramArray(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        if (definition.Capacity > Array.MaxLength)
        {
            throw MapRules.Refuse(definition, MapErrors.NoMemory, $"{Array.MaxLength} programs are the most");
        }

        Memory.Hold(definition, (Int128)definition.Capacity * sizeof(nint));
        _programs = new ITailTarget?[definition.Capacity];
    }

    /// <inheritdoc/>
    public override long Count => _programs.Count(static each => each is not null);

    internal void Put(int index, ITailTarget? program)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _programs.Length);
        if (program is not null) ObjectDisposedException.ThrowIf(!TryUse(program), program);
        Replace((uint)index, program)?.Release();
    }

    /// <summary>The program at an index, with a user more; null if there is none.</summary>
    internal ITailTarget? Find(uint index)
    {
        if (index >= (uint)_programs.Length) return null;
        lock (_lock)
        {
            ITailTarget? program = _programs[index];
            return program is not null && program.TryAddUser() ? program : null;
        }
    }

    /// <summary>Programs are nobody's memory.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <summary>Adds or replaces a program, by its number: see <see cref="MapHandles"/>.</summary>
    /// <param name="key">The bytes of the index.</param>
    /// <param name="value">The bytes of the number.</param>
    /// <param name="flags">0.</param>
    /// <returns>0, or the error of Linux as a negative number: -22 (EINVAL) with flags or the number of something else,
    /// -7 (E2BIG) when there is no such index, -9 (EBADF) when nothing has the number or the program has been disposed.
    /// </returns>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags != MapErrors.Any) return MapErrors.Invalid;
        uint index = Unsafe.ReadUnaligned<uint>(key);
        if (index >= (uint)_programs.Length) return MapErrors.TooBig;
        if (!MapHandles.TryFind(Unsafe.ReadUnaligned<uint>(value), out object? found)) return MapErrors.BadHandle;
        if (found is not ITailTarget program) return MapErrors.Invalid;
        if (!TryUse(program)) return MapErrors.BadHandle;
        Replace(index, program)?.Release();
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = Unsafe.ReadUnaligned<uint>(key);
        if (index >= (uint)_programs.Length) return MapErrors.TooBig;
        if (Replace(index, null) is not { } before) return MapErrors.NotFound;
        before.Release();
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next) => NextIndex(key, next);

    private protected override void Free()
    {
        LoseOwner();
        base.Free();
    }

    private protected override void LoseOwner()
    {
        for (uint index = 0; index < (uint)_programs.Length; index++) Replace(index, null)?.Release();
    }

    /// <summary>The number of a program, as Linux reads its id.</summary>
    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        uint index = Unsafe.ReadUnaligned<uint>(key);
        if (index >= (uint)_programs.Length) return MapErrors.NotFound;
        if (Volatile.Read(ref _programs[index]) is not { } program) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(value, MapHandles.Of(program));
        return MapErrors.None;
    }

    // The owner of a program that has been disposed puts it nowhere any more.
    private static bool TryUse(ITailTarget program) => !program.IsDisposed && program.TryAddUser();

    // What was there is released by the caller, not under the lock: it may be the last user.
    private ITailTarget? Replace(uint index, ITailTarget? with)
    {
        lock (_lock)
        {
            ITailTarget? before = _programs[index];
            Volatile.Write(ref _programs[index], with);
            return before;
        }
    }
}
