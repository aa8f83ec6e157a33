namespace Allot.Processes.Seccomp;

/// <summary>How much of a 64-bit argument register a condition looks at.</summary>
internal enum ArgumentWidth
{
    /// <summary>The low 32 bits: what the kernel uses of an <c>int</c> or <c>unsigned int</c> argument.</summary>
    Low32,

    /// <summary>All 64 bits: for <c>long</c>, <c>size_t</c> and addresses.</summary>
    Full64,
}
