namespace Allot;

/// <summary>The pages of the machine that this process runs on.</summary>
internal static class SystemPages
{
    public static IPageSource Instance { get; } = OperatingSystem.IsWindows() ? new WindowsPages() : new UnixPages();
}
