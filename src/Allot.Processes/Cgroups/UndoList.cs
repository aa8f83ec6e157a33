namespace Allot.Processes.Cgroups;

/// <summary>What must be undone when a later step fails, or at the end: latest first, and a failure stops
/// nothing.</summary>
internal sealed class UndoList(ICgroupFiles files)
{
    private readonly List<(string Path, Func<int> Undo)> _steps = [];

    /// <summary><paramref name="undo"/> gives 0 or an errno; <paramref name="path"/> is what stays behind if it
    /// fails.</summary>
    internal void Add(string path, Func<int> undo) => _steps.Add((path, undo));

    /// <summary>Undoes everything, once, and tells the first thing that stayed behind.</summary>
    internal RemoveResult Run()
    {
        RemoveResult result = RemoveResult.Done;
        for (int index = _steps.Count - 1; index >= 0; index--)
        {
            (string path, Func<int> undo) = _steps[index];
            int errno = undo();
            if (errno != 0 && result.IsRemoved) result = new RemoveResult(path, files.Message(errno));
        }
        _steps.Clear();
        return result;
    }
}
