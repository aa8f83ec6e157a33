using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Vm;

// One boot for all tests of a class: the first test that asks for a result builds the image and runs every scenario.
public sealed class VmFixture : IDisposable
{
    private static readonly TimeSpan s_bootTimeLimit = TimeSpan.FromSeconds(300);
    private readonly ScratchDirectory _scratch = new();
    private readonly Lazy<VmRun> _run;

    public VmFixture() => _run = new Lazy<VmRun>(RunScenarios);

    /// <summary>The result of one scenario. Skips the test where the machine cannot be booted.</summary>
    internal VmResult Result(VmScenario scenario)
    {
        VirtualMachine.RequireParts();
        VmRun run = _run.Value;
        Assert.True(run.Results.TryGetValue(scenario.Name, out VmResult? result),
            $"No result of scenario '{scenario.Name}'. Console of the machine:\n{run.Console}");
        return result!;
    }

    /// <summary>The version of the booted kernel.</summary>
    internal string? Kernel => _run.Value.Kernel;

    public void Dispose() => _scratch.Dispose();

    private VmRun RunScenarios()
    {
        string command = VmImage.PublishCommand(_scratch.Path);
        string image = _scratch.File("initramfs");
        VmImage.Write(image, command, Require.Tool("busybox"), VmScenarios.All);
        (string console, string text) = VirtualMachine.Boot(_scratch.Path, image, s_bootTimeLimit);
        (bool complete, string? kernel, Dictionary<string, VmResult> results) = VmResultReader.Read(text);
        if (!complete) console += "\nThe machine ended before its last scenario.";
        return new VmRun(console, kernel, results);
    }

    private sealed record VmRun(string Console, string? Kernel, Dictionary<string, VmResult> Results);
}
