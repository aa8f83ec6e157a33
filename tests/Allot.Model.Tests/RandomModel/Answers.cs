namespace Allot.Model.Tests.RandomModel;

/// <summary>The words of an answer, the same for engine and model.</summary>
internal static class Answers
{
    public const string Done = "done";
    public const string GroupRemoved = "refused: the group was removed";
    public const string Disposed = "the handle is disposed";
    public const string OutOfRange = "the amount is out of range";
    public const string NotNow = "not in this state";

    public static string Refused(CounterKind counter, int limiter, long bytes, long current, long max) =>
        $"refused: {bytes} bytes by {counter} of group {limiter} with {current}/{max}";

    public static string Counter(long current, long recorded, long peak, long max) =>
        $"{current}({recorded})/{peak}/{max}";
}
