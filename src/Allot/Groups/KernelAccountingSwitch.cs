// The switch is a constant to the compiler: with it off, a charge of kernel memory is compiled to nothing, just in time
// and ahead of time. The kernel has it as a boot option, cgroup.memory=nokmem.

using System.Diagnostics.CodeAnalysis;

namespace Allot;

/// <summary>Whether any group of this process counts kernel memory; decided when the process starts.</summary>
internal static class KernelAccountingSwitch
{
    public const string Name = "Allot.KernelAccounting";

    [FeatureSwitchDefinition(Name)]
    public static bool IsOn { get; } = !AppContext.TryGetSwitch(Name, out bool isOn) || isOn;

    /// <summary>Refuses a limit on what is not counted.</summary>
    /// <exception cref="InvalidOperationException">The switch is off.</exception>
    public static void ThrowIfOff()
    {
        if (IsOn) return;
        throw new InvalidOperationException(
            $"Kernel memory cannot be limited: this process does not count it, because its switch '{Name}' is off. "
            + "Remove it from the project (RuntimeHostConfigurationOption) or from the runtimeconfig.json.");
    }
}
