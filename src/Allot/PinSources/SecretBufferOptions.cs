namespace Allot;

/// <summary>How a <see cref="SecretBuffer"/> is kept.</summary>
public sealed class SecretBufferOptions
{
    /// <summary>Whether a child process finds zeros where the secret was. Default: true. Otherwise it finds no memory
    /// there, and a child that touches it ends.</summary>
    public bool WipesOnFork { get; init; } = true;
}
