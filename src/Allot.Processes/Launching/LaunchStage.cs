namespace Allot.Processes.Launching;

/// <summary>The steps of a launch, in their order.</summary>
internal enum LaunchStage
{
    /// <summary>Starting the launcher itself.</summary>
    Start,

    /// <summary>The launcher joins the cgroups.</summary>
    JoinCgroup,

    /// <summary>The launcher gives up gaining privileges, without which no filter may be installed.</summary>
    NoNewPrivileges,

    /// <summary>The launcher installs the filter.</summary>
    InstallFilter,

    /// <summary>The launcher hands the listener to the supervisor.</summary>
    HandOver,

    /// <summary>The launcher becomes the command.</summary>
    Exec,
}
