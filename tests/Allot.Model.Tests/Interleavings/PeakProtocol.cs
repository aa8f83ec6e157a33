// Opening and resetting a peak while a charge succeeds, step by step as in MemoryCounter and PeakReader. The counter is
// one word here: what is used.

namespace Allot.Model.Tests.Interleavings;

internal class PeakProtocol(Run run)
{
    protected Word Used { get; } = run.NewWord(1);

    protected Word Listed { get; } = run.NewWord(0);

    protected Word Peak { get; } = run.NewWord(0);

    public IEnumerable<Gate?> ChargeAndNote(long bytes)
    {
        yield return null;
        Used.Add(bytes);
        yield return null;
        if (Listed.Read() == 0) yield break;
        foreach (Gate? gate in Note()) yield return gate;
    }

    public virtual IEnumerable<Gate?> Open()
    {
        yield return null;
        Listed.CompareExchange(1, 0);
        foreach (Gate? gate in Note()) yield return gate;
    }

    public virtual IEnumerable<Gate?> Reset()
    {
        yield return null;
        long used = Used.Read();
        yield return null;
        Peak.Write(used);   // Exchange: visible at once
        foreach (Gate? gate in Note()) yield return gate;
    }

    /// <summary>Begins with a reader that is listed and has seen a peak above anything to come.</summary>
    public void StartListedAt(long peak)
    {
        Listed.Value = 1;
        Peak.Value = peak;
    }

    public void FinallyPeakCoversUse() =>
        run.Finally(() => Peak.Value >= Used.Value, "at the end the peak is not below what is used");

    protected IEnumerable<Gate?> Note()
    {
        yield return null;
        long used = Used.Read();
        yield return null;
        long seen = Peak.Read();
        while (used > seen)
        {
            yield return null;
            long before = Peak.CompareExchange(used, seen);
            if (before == seen) yield break;
            seen = before;
        }
    }
}

/// <summary>Canary: notes what is used first, and lists the reader second.</summary>
internal sealed class NotesBeforeListed(Run run) : PeakProtocol(run)
{
    public override IEnumerable<Gate?> Open()
    {
        foreach (Gate? gate in Note()) yield return gate;
        yield return null;
        Listed.Write(1);
    }
}

/// <summary>Canary: resets by a plain store, which the processor may make visible only after the reads that follow.
/// </summary>
internal sealed class ResetsByPlainStore(Run run) : PeakProtocol(run)
{
    public override IEnumerable<Gate?> Reset()
    {
        yield return null;
        long stored = Used.Read();
        yield return null;
        long used = Used.Read();
        yield return null;
        Peak.Write(Math.Max(stored, used));   // the store leaves the store buffer here
    }
}
