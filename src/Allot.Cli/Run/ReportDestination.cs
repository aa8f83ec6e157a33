using System.Text;
using Allot.Processes;

namespace Allot.Cli.Run;

/// <summary>Where the report goes, and in which form.</summary>
internal sealed class ReportDestination : IDisposable
{
    private readonly string _form;
    private readonly FileStream? _file;

    private ReportDestination(string form, FileStream? file)
    {
        _form = form;
        _file = file;
    }

    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public static ReportDestination Open(RunRequest request)
    {
        FileStream? file = request.ReportFile is { } path && request.ReportForm != "none" ? Create(path) : null;
        return new ReportDestination(request.ReportForm, file);
    }

    public void Write(ProcessGroupReport report)
    {
        if (_form == "none") return;
        string text = _form == "json" ? report.ToJson() : report.ToText();
        if (_file is null)
        {
            StandardError.Write(text);
            return;
        }

        try
        {
            _file.Write(Encoding.UTF8.GetBytes(text));
            _file.Flush();
        }
        catch (IOException failure)
        {
            // The command has run and its status is what the caller asked for.
            StandardError.WriteMessage($"the report could not be written to '{_file.Name}': {failure.Message}");
        }
    }

    public void Dispose() => _file?.Dispose();

    private static FileStream Create(string path)
    {
        try
        {
            // No buffer: what was left in one after a failed write would be written again, and fail again, on close.
            return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new IOException($"--report-file: cannot write '{path}': {failure.Message}", failure);
        }
    }
}
