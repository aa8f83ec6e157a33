namespace Allot.Processes.Launching;

/// <summary>
/// How to start a program whose <c>Main</c> gives its arguments to <see cref="LauncherMode"/>.
/// </summary>
/// <param name="File">The executable, as an absolute path.</param>
/// <param name="Arguments">Arguments in front of the mode's own, as the managed file is for <c>dotnet</c>.</param>
internal sealed record LauncherCommand(string File, IReadOnlyList<string> Arguments)
{
    /// <summary>This very program, started again in the same way.</summary>
    /// <exception cref="InvalidOperationException">
    /// The runtime does not know the path of its own executable.
    /// </exception>
    public static LauncherCommand ThisProgram()
    {
        string file = Environment.ProcessPath
            ?? throw new InvalidOperationException(
                "The path of this program is not known, so it cannot start itself again.");

        // Under the shared host the program is a managed file, which is what the runtime calls argument 0.
        bool underSharedHost = Path.GetFileName(file) == "dotnet";
        string[] program = underSharedHost ? [Path.GetFullPath(Environment.GetCommandLineArgs()[0])] : [];
        return new LauncherCommand(file, program);
    }
}
