namespace Allot.Cli.Run;

/// <summary>A valid command line of run.</summary>
internal sealed class RunRequest
{
    public required string[] Command { get; init; }

    public required long MemoryMaxBytes { get; init; }

    public required long KernelMaxBytes { get; init; }

    public required long PinsMaxBytes { get; init; }

    public required string? Name { get; init; }

    public required bool AllowsIoUring { get; init; }

    /// <summary>text, json or none.</summary>
    public required string ReportForm { get; init; }

    public required string? ReportFile { get; init; }

    public required bool Verbose { get; init; }
}
