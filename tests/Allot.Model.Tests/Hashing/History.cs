namespace Allot.Model.Tests.Hashing;

/// <summary>When a key may have had which value: from the beginning of the call that gives it to the end of the call
/// that takes it.</summary>
internal sealed class History(Baton baton)
{
    /// <summary>Any value, but not none.</summary>
    public const long Any = long.MaxValue;

    private readonly List<(long Value, int From, int To)> _spans = [];

    /// <summary>From now on the key may have a value; 0 is none.</summary>
    public void Begins(long value) => _spans.Add((value, baton.Now, int.MaxValue));

    /// <summary>From now on it has no other than the last one.</summary>
    public void EndsOthers()
    {
        for (int i = 0; i < _spans.Count - 1; i++)
        {
            if (_spans[i].To == int.MaxValue) _spans[i] = _spans[i] with { To = baton.Now };
        }
    }

    /// <summary>Whether it may have been so at some time of a call.</summary>
    public bool Had(long value, int from, int to) => _spans.Exists(
        span => (span.Value == value || (value == Any && span.Value != 0)) && span.From <= to && span.To >= from);
}
