// Which calls are intercepted, and what to do with one that arrives. A limit that is not set intercepts nothing.

using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>The intercepted calls of one architecture, for the limits that are set.</summary>
internal sealed class CallTable
{
    private readonly InterceptedCall?[] _byNumber;

    private CallTable(InterceptedCall?[] byNumber, SeccompFilter filter)
    {
        _byNumber = byNumber;
        Filter = filter;
    }

    /// <summary>The filter that notifies of exactly these calls.</summary>
    public SeccompFilter Filter { get; }

    /// <summary>Builds the table. A call that the architecture does not have is left out.</summary>
    public static CallTable Create(SyscallTable numbers, bool kernel, bool pins)
    {
        var rules = new List<FilterRule>();
        var calls = new Dictionary<int, InterceptedCall>();
        if (kernel)
        {
            foreach (KernelCall call in KernelCalls.All)
            {
                if (Find(call.Name) is not { } found) continue;
                found.Kernel.Add(call);
                rules.Add(new FilterRule(found.Number, call.Condition));
            }
        }

        if (pins)
        {
            foreach (PinCall call in PinCalls.All)
            {
                if (Find(call.Name) is not { } found) continue;
                found.Pins.Add(call);
                rules.Add(new FilterRule(found.Number, call.Condition));
            }
        }

        var byNumber = new InterceptedCall?[calls.Count == 0 ? 0 : calls.Keys.Max() + 1];
        foreach ((int number, InterceptedCall call) in calls) byNumber[number] = call;
        return new CallTable(byNumber, SeccompFilter.Create(numbers, rules));

        InterceptedCall? Find(string name)
        {
            if (!numbers.TryGetNumber(name, out int number)) return null;
            if (!calls.TryGetValue(number, out InterceptedCall? call))
            {
                call = new InterceptedCall(name, number);
                calls.Add(number, call);
            }

            return call;
        }
    }

    /// <summary>The call behind a notification; null when it is not ours (another filter of the program).</summary>
    public InterceptedCall? Find(int number) => (uint)number < (uint)_byNumber.Length ? _byNumber[number] : null;
}

/// <summary>One system call, with what each limit makes of it.</summary>
internal sealed class InterceptedCall(string name, int number)
{
    public string Name { get; } = name;

    public int Number { get; } = number;

    public List<KernelCall> Kernel { get; } = [];

    public List<PinCall> Pins { get; } = [];
}
