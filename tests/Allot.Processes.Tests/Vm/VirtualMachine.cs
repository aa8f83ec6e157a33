using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Vm;

// A stock Debian kernel with cgroup v2, booted in an emulated machine that has no disk and no network. The kernel's
// console is the first serial port; results come through the second, each into a file.
internal static class VirtualMachine
{
    private const string Console = "console=ttyS0 quiet loglevel=3 panic=-1 secretmem.enable=1";

    /// <summary>Skips, with the reason, where the machine cannot be built or booted.</summary>
    public static void RequireParts()
    {
        Require.Linux();
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.Is64BitProcess &&
            System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture ==
            System.Runtime.InteropServices.Architecture.X64, "needs x64: the emulated machine and the publish are x64");
        Require.Tool("qemu-system-x86_64");
        Require.Tool("busybox");
        Require.Tool("gcc");
        Require.Tool("ldd");
        Assert.SkipWhen(KernelImage() is null, "needs a readable kernel image /boot/vmlinuz-*, as of the Debian package "
            + "linux-image-cloud-amd64");
    }

    /// <summary>The newest cloud kernel, else the newest of any kind.</summary>
    public static string? KernelImage()
    {
        if (!Directory.Exists("/boot")) return null;
        return Directory.GetFiles("/boot", "vmlinuz-*")
            .OrderBy(path => path.Contains("cloud", StringComparison.Ordinal))
            .ThenBy(File.GetLastWriteTimeUtc)
            .LastOrDefault();
    }

    /// <summary>Boots, and returns the text of the console and of the results once the machine is off.</summary>
    public static (string Console, string Results) Boot(string directory, string imagePath, TimeSpan timeLimit)
    {
        string console = Path.Combine(directory, "console.txt");
        string results = Path.Combine(directory, "results.txt");
        RunResult result = ProcessRunner.Run("qemu-system-x86_64", ["-accel", "tcg,thread=multi", "-cpu", "max",
            "-m", "2048", "-smp", "2", "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot",
            "-serial", "file:" + console, "-serial", "file:" + results, "-kernel", KernelImage()!, "-initrd", imagePath,
            "-append", Console], new RunOptions { TimeLimit = timeLimit });
        string log = ReadIfThere(console) + result.Error;
        if (result.TimedOut) log += $"\nThe machine was switched off after its time limit of {timeLimit}.";
        return (log, ReadIfThere(results));
    }

    private static string ReadIfThere(string path) => File.Exists(path) ? File.ReadAllText(path) : "";
}
