namespace Allot.Bpf;

/// <summary>Attaching policies made of programs to groups.</summary>
public static class BpfAttaching
{
    extension(MemoryGroup group)
    {
        /// <summary>Puts a policy made of programs in force for the group and all groups below it.</summary>
        /// <param name="policy">The programs. They stay the host's, who disposes them after the result.</param>
        /// <returns>Dispose it to end; removal of the group does the same.</returns>
        /// <exception cref="ArgumentException">A program was loaded for more memory than the context has.</exception>
        /// <exception cref="InvalidOperationException">The group was removed, or has a policy already.</exception>
        public IDisposable Attach(BpfPolicy policy)
        {
            ArgumentNullException.ThrowIfNull(policy);
            return group.Attach(new MemoryPolicy
            {
                Name = policy.Name,
                OutOfMemory = Ask(policy.OutOfMemory, group, static (result, _) => result == 1),
                Charged = Ask(policy.Charged, group, static (result, _) => DelayOf(result, TimeSpan.Zero)),
                Uncharged = Tell(policy.Uncharged, group),
                OverHigh = Ask(policy.OverHigh, group, static (result, notice) => DelayOf(result, notice.Delay)),
                BelowLow = Ask(policy.BelowLow, group, static (result, _) => result == 1),
                BelowMin = Ask(policy.BelowMin, group, static (result, _) => result == 1),
                GroupCreated = Tell(policy.GroupCreated, group),
                GroupRemoved = Tell(policy.GroupRemoved, group),
            });
        }
    }

    private static Func<PolicyNotice, TAnswer>? Ask<TAnswer>(
        BpfProgram? program, MemoryGroup group, Func<ulong, PolicyNotice, TAnswer> answer)
    {
        if (program is null) return null;
        if (program.MemoryBytesMin > BpfPolicyContext.Bytes)
        {
            throw new ArgumentException(
                $"'{program.Name}' was loaded for {program.MemoryBytesMin} bytes of memory; the context has "
                + $"{BpfPolicyContext.Bytes}.",
                nameof(program));
        }

        return notice => answer(Run(program, new BpfPolicyCall(group, notice)), notice);
    }

    private static Action<PolicyNotice>? Tell(BpfProgram? program, MemoryGroup group)
    {
        Func<PolicyNotice, bool>? run = Ask(program, group, static (_, _) => true);
        return run is null ? null : notice => run(notice);
    }

    private static ulong Run(BpfProgram program, BpfPolicyCall call)
    {
        Span<byte> context = stackalloc byte[BpfPolicyContext.Bytes];
        BpfPolicyContext.Write(context, call);
        return program.Run(context, call);
    }

    private static TimeSpan DelayOf(ulong result, TimeSpan otherwise) =>
        (long)result < 0 ? otherwise : new TimeSpan((long)result / TimeSpan.NanosecondsPerTick);
}
