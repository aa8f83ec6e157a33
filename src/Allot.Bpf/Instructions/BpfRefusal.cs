using System.Globalization;

namespace Allot.Bpf;

/// <summary>Why a program was not accepted: which instruction, which register, and the reason.</summary>
public sealed record BpfRefusal
{
    /// <summary>The index of the instruction, in units of 8 bytes from the first of the program; -1 when the reason is
    /// not one instruction.</summary>
    public int Instruction { get; init; } = -1;

    /// <summary>The instruction as text; empty when there is none.</summary>
    public string Text { get; init; } = "";

    /// <summary>The register that is at fault, 0 to 10; null when no register is.</summary>
    public int? Register { get; init; }

    /// <summary>What is wrong, and what would be right.</summary>
    public required string Reason { get; init; }

    /// <summary>All of it in one line.</summary>
    /// <returns>Such as <c>instruction 3 (r0 = *(u32 *)(r1 + 8)), r1: reads 4 bytes at 8, of 8 that there
    /// are</c>.</returns>
    public override string ToString()
    {
        if (Instruction < 0) return Reason;
        string where = string.Create(CultureInfo.InvariantCulture, $"instruction {Instruction}");
        if (Text.Length > 0) where += $" ({Text})";
        if (Register is { } register) where += string.Create(CultureInfo.InvariantCulture, $", r{register}");
        return $"{where}: {Reason}";
    }
}
