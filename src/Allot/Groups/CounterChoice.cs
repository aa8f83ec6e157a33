namespace Allot;

/// <summary>Which counter of a group a word stands for, and the other way around.</summary>
internal static class CounterChoice
{
    extension(MemoryGroup group)
    {
        /// <summary>The counter, which is made if need be.</summary>
        internal MemoryCounter Counter(CounterKind counter) => counter switch
        {
            CounterKind.Memory => group.Memory,
            CounterKind.Kernel => group.Kernel,
            _ => group.Pins,
        };

        /// <summary>What a counter reads, without making it for that.</summary>
        internal long CurrentBytesOf(CounterKind counter) => counter switch
        {
            CounterKind.Memory => group.Memory.CurrentBytes,
            CounterKind.Kernel => group.KernelIfAny?.CurrentBytes ?? 0,
            _ => group.PinsIfAny?.All.CurrentBytes ?? 0,
        };
    }

    extension(MemoryCounter counter)
    {
        /// <summary>Which counter of its group it is. It belongs to one.</summary>
        internal CounterKind Kind
        {
            get
            {
                var owner = (MemoryGroup)counter.Owner!;
                return counter == owner.Memory ? CounterKind.Memory
                    : counter == owner.KernelIfAny ? CounterKind.Kernel
                    : CounterKind.Pins;
            }
        }
    }
}
