namespace Allot.Model.Tests.Interleavings;

/// <summary>A peak that is opened or reset while charges succeed ends at or above what is used.</summary>
public sealed class PeakInterleavingTests
{
    [Fact]
    public void Opening_misses_no_charge() => Assert.Null(ExploreOpen(run => new PeakProtocol(run)));

    [Fact]
    public void Resetting_misses_no_charge() => Assert.Null(ExploreReset(run => new PeakProtocol(run)));

    [Fact]
    public void A_reader_that_notes_before_it_is_listed_is_found() =>
        Assert.NotNull(ExploreOpen(run => new NotesBeforeListed(run)));

    [Fact]
    public void A_reset_without_a_fence_is_found() =>
        Assert.NotNull(ExploreReset(run => new ResetsByPlainStore(run)));

    private static string? ExploreOpen(Func<Run, PeakProtocol> create) => Explorer.Explore(run =>
    {
        PeakProtocol protocol = create(run);
        run.Start("charge", protocol.ChargeAndNote(2));
        run.Start("charge", protocol.ChargeAndNote(1));
        run.Start("open", protocol.Open());
        protocol.FinallyPeakCoversUse();
    }).Violation;

    private static string? ExploreReset(Func<Run, PeakProtocol> create) => Explorer.Explore(run =>
    {
        PeakProtocol protocol = create(run);
        protocol.StartListedAt(5);
        run.Start("charge", protocol.ChargeAndNote(2));
        run.Start("charge", protocol.ChargeAndNote(1));
        run.Start("reset", protocol.Reset());
        protocol.FinallyPeakCoversUse();
    }).Violation;
}
