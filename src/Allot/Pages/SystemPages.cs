namespace Allot;

/// <summary>The pages of the machine that this process runs on.</summary>
internal sealed class SystemPages : IPageSource
{
    private static readonly IPageSource s_machine = OperatingSystem.IsWindows() ? new WindowsPages() : new UnixPages();

    private SystemPages()
    {
    }

    public static IPageSource Instance { get; } = new SystemPages();

    /// <summary>For tests: asked before each request of this thread, and true where the machine shall refuse it.
    /// </summary>
    [field: ThreadStatic]
    internal static Func<bool>? Refuses { get; set; }

    public nint Reserve(nuint bytes) => Refuses?.Invoke() == true ? 0 : s_machine.Reserve(bytes);

    public bool TryCommit(nint address, nuint bytes) =>
        Refuses?.Invoke() != true && s_machine.TryCommit(address, bytes);

    public void Decommit(nint address, nuint bytes) => s_machine.Decommit(address, bytes);

    public void Release(nint address, nuint bytes) => s_machine.Release(address, bytes);

    public void PreferHugePages(nint address, nuint bytes) => s_machine.PreferHugePages(address, bytes);
}
