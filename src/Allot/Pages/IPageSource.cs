namespace Allot;

/// <summary>The operating system as far as address space goes. Addresses and lengths are multiples of
/// <see cref="PageArena.UnitBytes"/>.</summary>
internal interface IPageSource
{
    /// <summary>Reserves address space that nothing may touch yet.</summary>
    /// <returns>Its address, a multiple of <see cref="PageArena.UnitBytes"/>; 0 when there is none.</returns>
    nint Reserve(nuint bytes);

    /// <summary>Makes a part of it memory. What was committed before, and not decommitted, stays as it is; all else
    /// reads zero.</summary>
    /// <returns>False when the system refuses; nothing has changed.</returns>
    bool TryCommit(nint address, nuint bytes);

    /// <summary>Gives the memory back and keeps the address space. It has to be committed again before it is
    /// touched.</summary>
    void Decommit(nint address, nuint bytes);

    /// <summary>Gives everything back: exactly what was reserved.</summary>
    void Release(nint address, nuint bytes);

    /// <summary>Asks for huge pages where this memory is touched for the first time. Nothing depends on it.</summary>
    void PreferHugePages(nint address, nuint bytes)
    {
    }
}
