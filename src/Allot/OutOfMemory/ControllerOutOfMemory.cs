namespace Allot;

/// <summary>Out of memory: the decisions of a tree, and what it would decide now.</summary>
/// <remarks>All members may be used from any thread.</remarks>
public static class ControllerOutOfMemory
{
    extension(MemoryController controller)
    {
        /// <summary>The last 16 decisions of the policy, the oldest first: a snapshot. Empty with
        /// <see cref="OutOfMemoryPolicy.Refuse"/>, which has nothing to decide.</summary>
        public IReadOnlyList<OutOfMemoryDecision> OutOfMemoryDecisions => OutOfMemoryState.Of(controller).Decisions;

        /// <summary>Calls back after each decision of the policy.</summary>
        /// <param name="observer">Called on the thread that charges, without any lock of the tree; it should only take
        /// note. What it throws is contained and reported to <see cref="System.Diagnostics.Trace"/>; a charge it makes
        /// asks no policy.</param>
        /// <returns>Dispose it to end the calls; one that has begun then may still be running.</returns>
        public IDisposable ObserveOutOfMemory(Action<OutOfMemoryDecision> observer)
        {
            ArgumentNullException.ThrowIfNull(observer);
            return OutOfMemoryState.Of(controller).Observe(observer);
        }

        /// <summary>Who would be killed now, and why, if a limit of this group were met. Nothing is done, counted or
        /// recorded; a policy of your own is asked, with <see cref="OutOfMemoryContext.IsPreview"/>.</summary>
        /// <param name="group">The group whose limit it is, whether it has one or not.</param>
        /// <param name="counter">Which limit: <see cref="CounterKind.Memory"/> or <see cref="CounterKind.Kernel"/>.
        /// </param>
        /// <exception cref="ArgumentException">The group is of another tree.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The counter is another one.</exception>
        public OutOfMemoryDecision PreviewOutOfMemory(MemoryGroup group, CounterKind counter = CounterKind.Memory)
        {
            ArgumentNullException.ThrowIfNull(group);
            if (group.Controller != controller)
            {
                throw new ArgumentException($"'{group.Path}' is a group of another tree.", nameof(group));
            }

            if (counter is not (CounterKind.Memory or CounterKind.Kernel))
            {
                throw new ArgumentOutOfRangeException(
                    nameof(counter), counter, "Only memory runs out: the counter is Memory or Kernel.");
            }

            return OutOfMemoryRound.Preview(new Shortage(group, counter, group, Bytes: 0));
        }
    }
}
