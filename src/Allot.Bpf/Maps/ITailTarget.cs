namespace Allot.Bpf;

/// <summary>A program, as the arrays of programs see it.</summary>
internal interface ITailTarget
{
    /// <summary>One more user, without whom the program stays.</summary>
    /// <exception cref="ObjectDisposedException">The program has been disposed.</exception>
    void AddUser();

    void Release();
}
