namespace Allot.Tests.PinSources;

/// <summary>A device that there is not: it registers nothing.</summary>
internal sealed class NoDevice : IMemoryDevice
{
    public string Name => "none";

    public bool CountsInKernel => false;

    public nint Register(nint address, long bytes) => 1;

    public void Unregister(nint registration) => Assert.Equal(1, registration);
}
