namespace Allot.Tests.Reclaim;

/// <summary>Averages that are worked out when somebody comes by are those that a timer would have kept.</summary>
public sealed class StallAveragesTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private StallAverages _averages;

    [Fact]
    public void At_first_everything_is_zero()
    {
        Assert.Equal(default, _averages);
        _averages.Advance(TimeSpan.FromDays(1), isStalled: false);
        Assert.Equal((TimeSpan.Zero, 0, 0, 0), (_averages.Total, _averages.Avg10, _averages.Avg60, _averages.Avg300));
    }

    [Fact]
    public void A_period_counts_when_it_has_ended()
    {
        _averages.Advance(s_second, isStalled: true);
        Assert.Equal(s_second, _averages.Total);
        Assert.Equal(0, _averages.Avg10);
        _averages.Advance(s_second, isStalled: false);
        Assert.Equal(50 * (1 - Math.Exp(-0.2)), _averages.Avg10, 9);
        Assert.Equal(50 * (1 - Math.Exp(-2 / 60.0)), _averages.Avg60, 9);
        Assert.Equal(50 * (1 - Math.Exp(-2 / 300.0)), _averages.Avg300, 9);
    }

    [Fact]
    public void They_rise_to_100_and_decay_again()
    {
        _averages.Advance(10 * s_second, isStalled: true);
        Assert.Equal(100 * (1 - Math.Exp(-1)), _averages.Avg10, 9);
        Assert.Equal(100 * (1 - Math.Exp(-10 / 60.0)), _averages.Avg60, 9);
        _averages.Advance(3600 * s_second, isStalled: true);
        Assert.Equal(100, _averages.Avg300, 2);
        _averages.Advance(60 * s_second, isStalled: false);
        Assert.Equal(100 * Math.Exp(-6), _averages.Avg10, 3);
        Assert.Equal(100 * Math.Exp(-1), _averages.Avg60, 3);
        Assert.Equal(100 * Math.Exp(-0.2), _averages.Avg300, 3);
        _averages.Advance(TimeSpan.FromDays(10_000), isStalled: false);
        Assert.Equal(0, _averages.Avg300, 9);
        Assert.Equal(3610 * s_second, _averages.Total);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void They_agree_with_a_timer(int seed)
    {
        var random = new Random(seed);
        double[] expected = new double[3];
        long inPeriod = 0, stalledInPeriod = 0, total = 0;
        for (int step = 0; step < 500; step++)
        {
            long milliseconds = random.Next(10) == 0 ? random.Next(20_000) : random.Next(1_500);
            bool isStalled = random.Next(2) == 0;
            _averages.Advance(TimeSpan.FromMilliseconds(milliseconds), isStalled);
            for (long i = 0; i < milliseconds; i++) PassOneMillisecond(isStalled);
            Assert.Equal(total, (long)_averages.Total.TotalMilliseconds);
            Assert.Equal(expected[0], _averages.Avg10, 6);
            Assert.Equal(expected[1], _averages.Avg60, 6);
            Assert.Equal(expected[2], _averages.Avg300, 6);
            Assert.InRange(_averages.Avg10, 0, 100);
        }

        void PassOneMillisecond(bool isStalled)
        {
            if (isStalled)
            {
                total++;
                stalledInPeriod++;
            }

            if (++inPeriod < 2000) return;
            int[] windows = [10, 60, 300];
            for (int i = 0; i < windows.Length; i++)
            {
                double decay = Math.Exp(-2.0 / windows[i]);
                expected[i] = (expected[i] * decay) + (stalledInPeriod / 20.0 * (1 - decay));
            }

            inPeriod = stalledInPeriod = 0;
        }
    }
}
