namespace Allot.Benchmarks.Runner;

/// <summary>One question about the cost of Allot, answered by comparing runs.</summary>
internal abstract class Benchmark
{
    /// <summary>Its name on the command line, and of its page.</summary>
    public abstract string Name { get; }

    /// <summary>The heading of its page.</summary>
    public abstract string Title { get; }

    /// <summary>What is compared and how, for the reader of the page.</summary>
    public abstract string Method { get; }

    /// <summary>Programs that it needs in PATH.</summary>
    public virtual IReadOnlyList<string> Tools => ["gcc"];

    /// <summary>Shared libraries that it needs: the name, and the Debian package.</summary>
    public virtual IReadOnlyList<(string Name, string Package)> Libraries => [];

    /// <summary>Whether it needs root, as the limits of `allot run` do.</summary>
    public virtual bool NeedsRoot => true;

    /// <summary>The switch that has to be off from the start of the process it runs in; null when any process
    /// will do.</summary>
    public virtual string? SwitchedOff => null;

    /// <summary>Whether it loads libraries that need <see cref="StaticTls"/>.</summary>
    public virtual bool NeedsStaticTls => false;

    /// <summary>How it is warmed up, for the reader of the page.</summary>
    public virtual string WarmUp => "One round of warm-up is not counted.";

    /// <summary>Runs it and fills in the page.</summary>
    /// <exception cref="BenchmarkException">A program failed.</exception>
    public abstract void Measure(Workbench bench, ResultPage page);
}

/// <summary>A run that a benchmark rests on did not work.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
