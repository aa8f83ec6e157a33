using System.Net.Sockets;

namespace Allot.Bpf;

/// <summary>What a program that selects a socket is run with, as its state: which one it has selected.</summary>
public sealed class BpfSocketSelection
{
    /// <summary>The socket; null when the program has selected none.</summary>
    public Socket? Selected { get; set; }
}
