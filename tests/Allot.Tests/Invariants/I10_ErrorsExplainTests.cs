namespace Allot.Tests;

/// <summary>I10: every refusal names the request, the group asked, the ancestor that refused, its use, its limit, its
/// largest holders and the knob to turn.</summary>
public sealed class I10_ErrorsExplainTests
{
    public static TheoryData<CounterKind> Counters => [CounterKind.Memory, CounterKind.Kernel, CounterKind.Pins];

    [Theory, MemberData(nameof(Counters))]
    public void Every_refusal_by_a_limit_names_all_seven(CounterKind counter)
    {
        var controller = new MemoryController(new() { MaxBytes = 900, KernelMaxBytes = 800, PinsMaxBytes = 700 });
        MemoryGroup tenant = controller.Root.CreateChild("tenants").CreateChild("acme");
        Assert.True(TryTake(tenant, counter, 600, out _));
        Assert.False(TryTake(tenant, counter, 555, out ChargeRefusal refusal));

        string text = refusal.ToString();
        Assert.Contains("555 bytes", text);
        Assert.Contains("to '/tenants/acme'", text);
        Assert.Contains("'/' holds 600 of its", text);
        Assert.Contains($"of its {controller.Root.Counter(counter).MaxBytes} bytes", text);
        Assert.Contains("Largest holders: 'tenants' 600", text);
        Assert.Contains($"Raise {counter}.MaxBytes on '/'", text);
        Assert.DoesNotContain("permi", text, StringComparison.OrdinalIgnoreCase);
    }

    private static bool TryTake(MemoryGroup group, CounterKind counter, long bytes, out ChargeRefusal refusal) =>
        counter switch
        {
            CounterKind.Memory => group.TryCharge(MemoryKind.User, bytes, out refusal),
            CounterKind.Kernel => group.TryCharge(MemoryKind.Kernel, bytes, out refusal),
            _ => group.TryPin(PinKind.Locked, bytes, out refusal),
        };
}
