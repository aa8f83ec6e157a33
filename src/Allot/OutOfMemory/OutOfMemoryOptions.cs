namespace Allot;

/// <summary>Out of memory: the policy of a tree.</summary>
public static class OutOfMemoryOptions
{
    extension(MemoryControllerOptions options)
    {
        /// <summary>Who is killed when a <c>Charge</c> meets a limit and nothing more can be reclaimed. Default:
        /// <see cref="OutOfMemoryPolicy.Refuse"/>, nobody.</summary>
        public IOutOfMemoryPolicy OutOfMemoryPolicy
        {
            get => (IOutOfMemoryPolicy?)options.OutOfMemoryPolicyOrNull ?? Allot.OutOfMemoryPolicy.Refuse;
            set
            {
                ArgumentNullException.ThrowIfNull(value);
                options.OutOfMemoryPolicyOrNull = value;
            }
        }
    }
}
