namespace Allot.Bpf;

/// <summary>A program, as the arrays of programs see it.</summary>
internal interface ITailTarget
{
    /// <summary>The bytes that the memory of a run must have at least.</summary>
    int MemoryBytesMin { get; }

    /// <summary>Whether its owner has disposed it. Then it gets into no array any more, and stays in those that have
    /// it.</summary>
    bool IsDisposed { get; }

    /// <summary>One more user, without whom the program stays.</summary>
    /// <returns>False when nobody uses it any more.</returns>
    bool TryAddUser();

    void Release();
}
