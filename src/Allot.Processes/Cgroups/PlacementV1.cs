namespace Allot.Processes.Cgroups;

/// <summary>Version 1: a cgroup may have both processes and children, so the group is a child of our own
/// cgroup.</summary>
internal static class PlacementV1
{
    internal static Placement Make(CgroupHome home, string name, ICgroupFiles files)
    {
        string path = $"{home.Directory}/{name}";
        int errno = files.MakeDirectory(path);
        if (errno != 0) throw CgroupAdvice.MakeRefused(home, path, errno, files);
        return new Placement(path, new UndoList(files));
    }
}
