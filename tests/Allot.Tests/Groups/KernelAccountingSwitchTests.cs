using System.Reflection;
using System.Runtime.Loader;

namespace Allot.Tests.Groups;

// The switch is read once, so what it does is seen in a second copy of the library, loaded while the switch is off.
public sealed class KernelAccountingSwitchTests
{
    private static readonly Assembly s_switchedOff = LoadSwitchedOff();

    [Fact]
    public void Kernel_charges_are_counted_nowhere()
    {
        object group = NewGroup(Of("MemoryGroupOptions"));
        Call("GroupCharging", "Charge", group, Kind("Kernel"), 1L << 40);
        Call("GroupCharging", "Uncharge", group, Kind("Kernel"), 5L);
        Assert.Equal((0L, 0L), (Current(group, "Kernel"), Current(group, "Memory")));
        Assert.Equal(false, Get(group, "CountsKernelMemory"));
        Call("GroupCharging", "Charge", group, Kind("User"), 7L);
        Assert.Equal(7L, Current(group, "Memory"));
    }

    [Fact]
    public void An_amount_that_is_none_is_an_error_all_the_same()
    {
        object group = NewGroup(Of("MemoryGroupOptions"));
        Assert.IsType<ArgumentOutOfRangeException>(
            Refused(() => Call("GroupCharging", "Charge", group, Kind("Kernel"), -1L)));
    }

    [Fact]
    public void A_limit_is_refused_by_the_name_of_the_switch()
    {
        object group = NewGroup(Of("MemoryGroupOptions"));
        PropertyInfo max = Get(group, "Kernel").GetType().GetProperty("MaxBytes")!;
        Exception late = Refused(() => max.SetValue(Get(group, "Kernel"), 5L));
        object options = Of("MemoryGroupOptions");
        options.GetType().GetProperty("KernelMaxBytes")!.SetValue(options, 5L);
        Exception early = Refused(() => NewGroup(options));
        foreach (Exception error in (Exception[])[late, early])
        {
            Assert.IsType<InvalidOperationException>(error);
            Assert.Contains("its switch 'Allot.KernelAccounting' is off", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(MemoryGroup.Unlimited, max.GetValue(Get(group, "Kernel")));
    }

    private static Assembly LoadSwitchedOff()
    {
        Assert.True(KernelAccountingSwitch.IsOn, "The copy that all other tests use has read its switch.");
        AppContext.SetSwitch(KernelAccountingSwitch.Name, isEnabled: false);
        try
        {
            var context = new AssemblyLoadContext("switched off");
            Assembly copy = context.LoadFromAssemblyPath(typeof(MemoryGroup).Assembly.Location);
            Type type = copy.GetType(typeof(KernelAccountingSwitch).FullName!)!;
            Assert.Equal(false, type.GetProperty(nameof(KernelAccountingSwitch.IsOn))!.GetValue(null));
            return copy;
        }
        finally
        {
            AppContext.SetSwitch(KernelAccountingSwitch.Name, isEnabled: true);
        }
    }

    private static object NewGroup(object options)
    {
        object controller = s_switchedOff.GetType("Allot.MemoryController")!.GetConstructors()[0].Invoke([null, null]);
        object root = Get(controller, "Root");
        return root.GetType().GetMethod("CreateChild")!.Invoke(root, ["g", options])!;
    }

    private static object Of(string type) => Activator.CreateInstance(s_switchedOff.GetType($"Allot.{type}")!)!;

    private static object Kind(string name) => Enum.Parse(s_switchedOff.GetType("Allot.MemoryKind")!, name);

    private static object Get(object target, string property) =>
        target.GetType().GetProperty(property)!.GetValue(target)!;

    private static object Current(object group, string counter) => Get(Get(group, counter), "CurrentBytes");

    private static void Call(string type, string method, params object[] arguments) =>
        s_switchedOff.GetType($"Allot.{type}")!.GetMethods()
            .Single(one => one.Name == method && one.GetParameters().Length == arguments.Length)
            .Invoke(null, arguments);

    private static Exception Refused(Action action) =>
        Assert.Throws<TargetInvocationException>(action).InnerException!;
}
