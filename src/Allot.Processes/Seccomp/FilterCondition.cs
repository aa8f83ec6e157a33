// Conditions on the scalar arguments of a call, tested by the kernel itself. The arguments are in registers, latched
// before the filter runs, so what was tested is what the call will use; memory behind pointers is out of reach.

namespace Allot.Processes.Seccomp;

/// <summary>When an intercepted call is worth a notification.</summary>
internal abstract record FilterCondition
{
    private FilterCondition()
    {
    }

    /// <summary>Every call.</summary>
    public static FilterCondition Always { get; } = new All([]);

    /// <summary>At least one bit of the mask is set. Bits above 31 are tested when the mask has them.</summary>
    public static FilterCondition AnyBit(int argument, ulong mask) => new AnyBitOf(Checked(argument), mask);

    /// <summary>The masked argument is exactly the value. Bits above 31 are tested when the mask has them.</summary>
    /// <exception cref="ArgumentException">The value has bits outside the mask: it could never match.</exception>
    public static FilterCondition MaskedEqual(int argument, ulong mask, ulong value)
    {
        if ((value & ~mask) != 0)
        {
            throw new ArgumentException($"{value:x} has bits outside the mask {mask:x}.", nameof(value));
        }
        return new MaskEquals(Checked(argument), mask, value);
    }

    /// <summary>The argument is the value.</summary>
    public static FilterCondition EqualTo(int argument, ulong value, ArgumentWidth width = ArgumentWidth.Low32)
    {
        ulong mask = width == ArgumentWidth.Full64 ? ulong.MaxValue : uint.MaxValue;
        return MaskedEqual(argument, mask, value);
    }

    /// <summary>The argument is one of the values.</summary>
    public static FilterCondition OneOf(
        int argument, ReadOnlySpan<ulong> values, ArgumentWidth width = ArgumentWidth.Low32)
    {
        var choices = new FilterCondition[values.Length];
        for (int i = 0; i < choices.Length; i++) choices[i] = EqualTo(argument, values[i], width);
        return new Any(choices);
    }

    /// <summary>One argument is greater than another, both as unsigned 64-bit numbers.</summary>
    public static FilterCondition Greater(int left, int right) => new GreaterThan(Checked(left), Checked(right));

    /// <summary>All of the conditions; true when there is none.</summary>
    public static FilterCondition And(params FilterCondition[] conditions) => new All(conditions);

    /// <summary>At least one of the conditions; false when there is none.</summary>
    public static FilterCondition Or(params FilterCondition[] conditions) => new Any(conditions);

    /// <summary>Whether the arguments meet the condition: the same test that the filter makes in the kernel.</summary>
    public bool Matches(in SeccompNotification.SyscallArguments arguments)
    {
        switch (this)
        {
            case All all:
                foreach (FilterCondition condition in all.Conditions)
                {
                    if (!condition.Matches(arguments)) return false;
                }

                return true;
            case Any any:
                foreach (FilterCondition condition in any.Conditions)
                {
                    if (condition.Matches(arguments)) return true;
                }

                return false;
            case AnyBitOf bits:
                return (arguments[bits.Argument] & bits.Mask) != 0;
            case MaskEquals equals:
                return (arguments[equals.Argument] & equals.Mask) == equals.Value;
            default:
                var greater = (GreaterThan)this;
                return arguments[greater.Left] > arguments[greater.Right];
        }
    }

    private static int Checked(int argument)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(argument);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(argument, 5);
        return argument;
    }

    internal sealed record AnyBitOf(int Argument, ulong Mask) : FilterCondition;

    internal sealed record MaskEquals(int Argument, ulong Mask, ulong Value) : FilterCondition;

    internal sealed record GreaterThan(int Left, int Right) : FilterCondition;

    internal sealed record All(FilterCondition[] Conditions) : FilterCondition;

    internal sealed record Any(FilterCondition[] Conditions) : FilterCondition;
}
