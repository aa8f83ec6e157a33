namespace Allot.Bpf;

/// <summary>A program was not accepted. Nothing stays allocated or charged.</summary>
/// <param name="refusal">The instruction, the register and the reason.</param>
public sealed class BpfRefusedException(BpfRefusal refusal) : Exception(refusal.ToString())
{
    /// <summary>The instruction, the register and the reason.</summary>
    public BpfRefusal Refusal { get; } = refusal;

    internal static BpfRefusedException Because(string reason) => new(new BpfRefusal { Reason = reason });
}
