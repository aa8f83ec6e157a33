namespace Allot.Processes.Tests.Support;

// A directory of one test, removed with everything in it. The mkdir loop leaves trees of 100,000 levels, whose paths
// are longer than the kernel takes: those are cut into shallow pieces by renaming before they are removed.
internal sealed class ScratchDirectory : IDisposable
{
    private const int DepthMax = 64;

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("allot-test-");

    public string Path => _root.FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Subdirectory(string name) => _root.CreateSubdirectory(name).FullName;

    public void Dispose() => DeleteDeep(Path);

    /// <summary>Removes a directory tree of any depth.</summary>
    public static void DeleteDeep(string root)
    {
        int cuts = 0;
        Stack<(string Path, int Depth)> pending = new([(root, 0)]);
        while (pending.TryPop(out (string Path, int Depth) next))
        {
            foreach (string below in Directory.EnumerateDirectories(next.Path).ToArray())
            {
                if (new DirectoryInfo(below).LinkTarget is not null) continue;
                if (next.Depth < DepthMax)
                {
                    pending.Push((below, next.Depth + 1));
                    continue;
                }

                string cut = System.IO.Path.Combine(root, $".cut-{cuts++}");
                Directory.Move(below, cut);
                pending.Push((cut, 1));
            }
        }

        Directory.Delete(root, recursive: true);
    }
}
