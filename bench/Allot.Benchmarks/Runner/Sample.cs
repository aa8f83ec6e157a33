using System.Globalization;

namespace Allot.Benchmarks.Runner;

/// <summary>The numbers of one run, by name.</summary>
internal sealed class Sample
{
    private readonly Dictionary<string, double> _values = [];

    public double this[string name] => _values.TryGetValue(name, out double value)
        ? value
        : throw new BenchmarkException($"A run did not print '{name}'; it printed {string.Join(", ", _values.Keys)}.");

    /// <summary>A single number.</summary>
    public static Sample Of(string name, double value)
    {
        var sample = new Sample();
        sample._values[name] = value;
        return sample;
    }

    /// <summary>Reads lines of the form <c>name value</c>, and <c>name part value part value...</c>, whose values are
    /// then
    /// called <c>name.part</c>. Other lines are not numbers and are left out.</summary>
    public static Sample Parse(string output)
    {
        var sample = new Sample();
        foreach (string line in output.Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 2) sample.Add(words[0], words[1]);
            for (int i = 1; i + 1 < words.Length; i += 2) sample.Add($"{words[0]}.{words[i]}", words[i + 1]);
        }

        return sample;
    }

    private void Add(string name, string text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)) _values[name] = value;
    }
}
