// Runs real code in chosen interleavings. Each actor is a thread, and only who has the baton runs; it gives the baton
// back at each pause, which is a call in the code under test that the test provides: comparing and storing a key,
// writing a value. So what lies between two pauses is one step.
//
// All schedules are run, one after the other, in the order of a counter whose digits are the choices: after each run,
// the last choice that had an alternative takes the next one, and all after it begin anew.

namespace Allot.Model.Tests.Hashing;

/// <summary>Every interleaving of the steps of a few actors.</summary>
internal sealed class Baton : IDisposable
{
    // An actor that waits for another one does so in steps; after so many it only runs when nobody else can.
    private const int StepsMax = 12;

    [ThreadStatic]
    private static Actor? t_actor;

    private readonly Actor[] _actors;
    private readonly List<(int Taken, int Of)> _choices = [];

    public Baton(int actors) => _actors = [.. Enumerable.Range(0, actors).Select(static _ => new Actor())];

    /// <summary>Steps of all actors so far in this run.</summary>
    public int Now { get; private set; }

    /// <summary>The end of a step; nothing on a thread that is no actor.</summary>
    public static void Pause() => t_actor?.Pause();

    /// <summary>Runs all schedules.</summary>
    /// <param name="begin">Makes what each actor does, for each run anew.</param>
    /// <param name="check">Looks at the result; throws when it is wrong.</param>
    /// <returns>How many schedules there are.</returns>
    public int RunAll(Func<Action[]> begin, Action check)
    {
        for (int runs = 1; ; runs++)
        {
            Now = 0;
            RunOnce(begin());
            check();
            while (_choices.Count > 0 && _choices[^1].Taken + 1 == _choices[^1].Of) _choices.RemoveAt(_choices.Count - 1);
            if (_choices.Count == 0) return runs;
            _choices[^1] = (_choices[^1].Taken + 1, _choices[^1].Of);
        }
    }

    /// <summary>Runs something on the thread of an actor, without steps.</summary>
    public void Prepare(int actor, Action work)
    {
        _actors[actor].Begin(work, hasSteps: false);
        _actors[actor].Step();
    }

    /// <summary>The schedule that has just been run.</summary>
    public string Describe() => string.Concat(_choices.Select(static choice => choice.Taken));

    public void Dispose()
    {
        foreach (Actor actor in _actors) actor.Dispose();
    }

    private void RunOnce(Action[] work)
    {
        for (int i = 0; i < work.Length; i++) _actors[i].Begin(work[i]);
        for (int depth = 0; ; depth++)
        {
            Actor[] enabled = [.. _actors.Where(static actor => actor is { IsDone: false, Steps: < StepsMax })];
            if (enabled.Length == 0) enabled = [.. _actors.Where(static actor => !actor.IsDone).Take(1)];
            if (enabled.Length == 0) return;
            if (depth == _choices.Count) _choices.Add((0, enabled.Length));
            Now++;
            enabled[_choices[depth].Taken].Step();
        }
    }

    private sealed class Actor : IDisposable
    {
        private readonly SemaphoreSlim _go = new(0), _paused = new(0);
        private readonly Thread _thread;
        private Action? _work;
        private bool _hasSteps;
        private volatile bool _isEnding;
        private Exception? _failure;

        public Actor()
        {
            _thread = new Thread(Run) { IsBackground = true };
            _thread.Start();
        }

        public bool IsDone { get; private set; } = true;

        public int Steps { get; private set; }

        public void Begin(Action work, bool hasSteps = true) =>
            (_work, _hasSteps, IsDone, Steps) = (work, hasSteps, false, 0);

        public void Step()
        {
            Steps++;
            _go.Release();
            _paused.Wait();
            if (_failure is not null) throw new InvalidOperationException("An actor failed.", _failure);
        }

        public void Pause()
        {
            if (_isEnding) return;
            _paused.Release();
            _go.Wait();
        }

        public void Dispose()
        {
            _isEnding = true;
            _go.Release(2);   // from a pause, if it is in one, and from its last wait
            _thread.Join();
            _go.Dispose();
            _paused.Dispose();
        }

        private void Run()
        {
            for (_go.Wait(); !_isEnding; _go.Wait())
            {
                t_actor = _hasSteps ? this : null;
                try
                {
                    _work!();
                }
                catch (Exception failure)
                {
                    _failure = failure;
                }

                IsDone = true;
                _paused.Release();
            }
        }
    }
}
