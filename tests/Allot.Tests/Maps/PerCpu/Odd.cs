namespace Allot.Tests.Maps.PerCpu;

/// <summary>A value of 12 bytes: each processor's is rounded up to 16.</summary>
internal readonly record struct Odd(int First, int Second, int Third)
{
    public static Odd Of(int number) => new(number, number + 1, number + 2);

    /// <summary>A value for each processor, in an array of them.</summary>
    public static Odd[] ForEach(int processors, int first) =>
        [.. Enumerable.Range(0, processors).Select(processor => Of(first + processor))];

    /// <summary>The values themselves, copied.</summary>
    public static Odd[] All(Allot.Maps.PerCpuValues<Odd> values)
    {
        var all = new Odd[values.Count];
        int processor = 0;
        foreach (ref Odd value in values) all[processor++] = value;
        return all;
    }
}
