namespace Allot.Bpf;

/// <summary>A program, as the arrays of programs see it.</summary>
internal interface ITailTarget
{
    /// <summary>The bytes that the memory of a run must have at least.</summary>
    int MemoryBytesMin { get; }

    /// <summary>One more user, without whom the program stays.</summary>
    /// <exception cref="ObjectDisposedException">The program has been disposed.</exception>
    void AddUser();

    /// <summary>One more user of a program that an array keeps, whether or not its owner has disposed it.</summary>
    /// <returns>False when nobody uses it any more.</returns>
    bool TryAddUser();

    void Release();
}
