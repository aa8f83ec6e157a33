using System.Runtime.CompilerServices;
using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Programs by index, for tail calls. The host puts them there.</summary>
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
        Memory.Hold(definition, (Int128)definition.Capacity * sizeof(nint));
        _programs = new ITailTarget?[definition.Capacity];
    }

    /// <inheritdoc/>
    public override long Count => _programs.Count(static each => each is not null);

    internal void Put(int index, ITailTarget? program)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _programs.Length);
        program?.AddUser();
        ITailTarget? before;
        lock (_lock) (before, _programs[index]) = (_programs[index], program);
        before?.Release();
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

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags) => MapErrors.Invalid;

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = Unsafe.ReadUnaligned<uint>(key);
        if (index >= (uint)_programs.Length) return MapErrors.TooBig;
        if (_programs[index] is null) return MapErrors.NotFound;
        Put((int)index, null);
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        uint index = key == null ? uint.MaxValue : Unsafe.ReadUnaligned<uint>(key);
        uint following = index >= (uint)_programs.Length ? 0 : index + 1;
        if (following == (uint)_programs.Length) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(next, following);
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong bytes, bool writes) => false;

    private protected override void Free()
    {
        LoseOwner();
        base.Free();
    }

    private protected override void LoseOwner()
    {
        for (int index = 0; index < _programs.Length; index++) Put(index, null);
    }
}
