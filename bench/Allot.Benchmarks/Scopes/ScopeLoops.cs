using System.Runtime.CompilerServices;

namespace Allot.Benchmarks.Scopes;

/// <summary>Loops of one call each.</summary>
internal static class ScopeLoops
{
    private static readonly AsyncLocal<object?> s_local = new();
    private static readonly AsyncLocal<object?>[] s_others = [new(), new(), new(), new(), new(), new()];
    private static readonly object s_value = new(), s_outerValue = new();

    [ThreadStatic] private static int t_number;
    [ThreadStatic] private static object? t_reference;

    public static void Empty(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int One() => 0;
    }

    public static void ReadNumber(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int One() => t_number;
    }

    public static void ReadContext(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static AllocationRestrictions One() => AllocationContext.Restrictions;
    }

    public static void Apply(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static AllocationFlags One() => AllocationContext.Apply(AllocationFlags.Kernel);
    }

    public static void ReadReference(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static object? One() => t_reference;
    }

    public static void ReadGroup(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static MemoryGroup? One() => MemoryGroup.Current;
    }

    public static void ReadContextInFlow(int count)
    {
        using FlowingScope flowing = FlowingScope.NoFs();
        ReadContext(count);
    }

    public static void ReadGroupInFlow(MemoryGroup group, int count)
    {
        using FlowingScope flowing = group.EnterFlow();
        ReadGroup(count);
    }

    public static void EnterAndLeaveGroupInFlow(MemoryGroup group, int count)
    {
        using FlowingScope flowing = group.EnterFlow();
        EnterAndLeaveGroup(group, count);
    }

    public static void ReadAsyncLocal(int count)
    {
        s_local.Value = s_outerValue;
        for (int i = 0; i < count; i++) One();
        s_local.Value = null;

        [MethodImpl(MethodImplOptions.NoInlining)]
        static object? One() => s_local.Value;
    }

    /// <summary>Work in a flow that has values of other <see cref="AsyncLocal{T}"/> too, as those of servers do.</summary>
    public static Action<int> AmongOthers(Action<int> work) => count =>
    {
        foreach (AsyncLocal<object?> other in s_others) other.Value = s_value;
        work(count);
        foreach (AsyncLocal<object?> other in s_others) other.Value = null;
    };

    public static void WriteNumberTwice(int count)
    {
        for (int i = 0; i < count; i++) One(i);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One(int value)
        {
            Volatile.Write(ref t_number, value);
            Volatile.Write(ref t_number, 0);
        }
    }

    public static void EnterAndLeave(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One()
        {
            using ThreadScope scope = AllocationScope.NoFs();
        }
    }

    public static void EnterAndLeaveThree(int count)
    {
        for (int i = 0; i < count; i++) One();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One()
        {
            using ThreadScope a = AllocationScope.NoFs();
            using ThreadScope b = AllocationScope.NoIo();
            using ThreadScope c = AllocationScope.NoPin();
        }
    }

    public static void WriteReferenceTwice(int count)
    {
        for (int i = 0; i < count; i++) One(s_value);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One(object value)
        {
            Volatile.Write(ref t_reference, value);
            Volatile.Write(ref t_reference, null);
        }
    }

    public static void EnterAndLeaveGroup(MemoryGroup group, int count)
    {
        for (int i = 0; i < count; i++) One(group);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One(MemoryGroup group)
        {
            using ActiveGroupScope scope = group.Enter();
        }
    }

    public static void Charge(MemoryGroup group, int count)
    {
        for (int i = 0; i < count; i++) One(group);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One(MemoryGroup group)
        {
            group.Charge(MemoryKind.User, 64);
            group.Uncharge(MemoryKind.User, 64);
        }
    }

    public static void ChargeInScope(MemoryGroup group, int count)
    {
        using ThreadScope scope = AllocationScope.NoFs();
        Charge(group, count);
    }

    public static void SetAsyncLocal(int count)
    {
        for (int i = 0; i < count; i++) SetTo(null);
    }

    public static void SetAsyncLocalThatIsSet(int count)
    {
        s_local.Value = s_outerValue;
        for (int i = 0; i < count; i++) SetTo(s_outerValue);
        s_local.Value = null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SetTo(object? outer)
    {
        s_local.Value = s_value;
        s_local.Value = outer;
    }

    public static void EnterAndLeaveFlow(int count)
    {
        for (int i = 0; i < count; i++) EnterFlow();
    }

    public static void EnterAndLeaveInnerFlow(int count)
    {
        using FlowingScope outer = FlowingScope.NoIo();
        for (int i = 0; i < count; i++) EnterFlow();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EnterFlow()
    {
        using FlowingScope scope = FlowingScope.NoFs();
    }

    public static void EnterAndLeaveFlowingGroup(MemoryGroup group, int count)
    {
        using FlowingScope outer = FlowingScope.NoIo();
        for (int i = 0; i < count; i++) One(group);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void One(MemoryGroup group)
        {
            using FlowingScope scope = group.EnterFlow();
        }
    }
}
