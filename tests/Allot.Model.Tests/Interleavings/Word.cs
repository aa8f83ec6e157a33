namespace Allot.Model.Tests.Interleavings;

/// <summary>A shared word. Each method is one atomic access; an actor yields before each.</summary>
/// <remarks>The model is sequentially consistent. MemoryCounter gets that from full fences (Interlocked) wherever it
/// writes a word that charges decide on, and from acquire and release on the version and the limit, whose readers check
/// the version again.</remarks>
internal sealed class Word(Run run, long value)
{
    /// <summary>For checks and ghost variables: not an access of an actor.</summary>
    public long Value { get; set; } = value;

    public long Read() => run.Observed(Value);

    public void Write(long newValue) => Value = newValue;

    /// <summary>Returns the value after.</summary>
    public long Add(long difference)
    {
        Value += difference;
        return run.Observed(Value);
    }

    /// <summary>Returns the value before; it was replaced if that is <paramref name="comparand"/>.</summary>
    public long CompareExchange(long newValue, long comparand)
    {
        long before = Value;
        if (before == comparand) Value = newValue;
        return run.Observed(before);
    }
}
