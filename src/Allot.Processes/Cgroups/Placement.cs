namespace Allot.Processes.Cgroups;

/// <summary>A directory made for a group, and what its making changed besides, to be undone after its
/// removal.</summary>
internal sealed record Placement(string Directory, UndoList Undo)
{
    /// <summary>Makes the directory in the place that the cgroup version allows.</summary>
    /// <exception cref="CgroupUnavailableException">There is no such place; nothing was left behind.</exception>
    internal static Placement Make(CgroupHome home, string name, ICgroupFiles files) =>
        home.Version == 1 ? PlacementV1.Make(home, name, files) : new PlacementV2(home, name, files).Make();
}
