// One run of a scenario: shared words, actors that take atomic steps on them, and what must hold.
//
// An actor is an iterator. It yields before every access to a shared word, so whatever it does between two yields is
// one atomic step. Local variables need no description: an actor is deterministic, so its state is what it has read so
// far.

using System.Globalization;
using System.Text;

namespace Allot.Model.Tests.Interleavings;

/// <summary>What an actor yields before its next step: null to go on at any time, or the condition to wait
/// for.</summary>
internal delegate bool? Gate();

internal sealed class Run
{
    private readonly List<Word> _words = [];
    private readonly List<Actor> _actors = [];
    private readonly List<Action> _afterStep = [];
    private readonly List<(Func<bool> Holds, string Rule)> _finally = [];
    private Actor? _running;

    /// <summary>The first rule that was broken; null so far.</summary>
    public string? Violation { get; private set; }

    public bool IsDone => _actors.TrueForAll(actor => actor.IsDone);

    public Word NewWord(long value)
    {
        var word = new Word(this, value);
        _words.Add(word);
        return word;
    }

    public void Start(string name, IEnumerable<Gate?> steps)
    {
        var actor = new Actor(name, steps.GetEnumerator());
        _actors.Add(actor);
        _running = actor;
        actor.Advance();   // to its first yield: no access yet
    }

    public void AfterEveryStep(Action check) => _afterStep.Add(check);

    public void Finally(Func<bool> holds, string rule) => _finally.Add((holds, rule));

    public void Require(bool holds, string rule)
    {
        if (!holds) Violation ??= rule;
    }

    public IEnumerable<int> Enabled() => Enumerable.Range(0, _actors.Count).Where(i => _actors[i].IsEnabled);

    public void Step(int index)
    {
        _running = _actors[index];
        _running.Advance();
        foreach (Action check in _afterStep) check();
    }

    public void Finish()
    {
        Require(IsDone, "every actor gets to its end");
        foreach ((Func<bool> holds, string rule) in _finally) Require(holds(), rule);
    }

    public string Describe(IEnumerable<int> schedule) =>
        string.Join(' ', schedule.Select(index => _actors[index].Name));

    /// <summary>Equal keys have equal futures.</summary>
    public string Key()
    {
        var key = new StringBuilder();
        foreach (Word word in _words) key.Append(CultureInfo.InvariantCulture, $"{word.Value},");
        foreach (Actor actor in _actors) key.Append(CultureInfo.InvariantCulture, $"{actor.Steps}:{actor.History:x},");
        return key.ToString();
    }

    internal long Observed(long value)
    {
        _running!.Observe(value);
        return value;
    }

    private sealed class Actor(string name, IEnumerator<Gate?> steps)
    {
        public string Name => name;

        public bool IsDone { get; private set; }

        public int Steps { get; private set; }

        public ulong History { get; private set; }

        public bool IsEnabled => !IsDone && (steps.Current is not { } gate || gate() == true);

        public void Advance()
        {
            IsDone = !steps.MoveNext();
            Steps++;
        }

        public void Observe(long value) => History = ((History ^ (ulong)value) + 1) * 0x9E3779B97F4A7C15;
    }
}
