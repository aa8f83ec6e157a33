namespace Allot;

/// <summary>What holds memory in place: the parts that <c>pins.stat</c> shows.</summary>
public enum PinSource
{
    /// <summary>Whoever charges pins by hand.</summary>
    Other,

    /// <summary>Native memory that is locked: <c>mlock</c>.</summary>
    MemoryLock,

    /// <summary>Buffers for secrets, which are locked.</summary>
    Secret,

    /// <summary>Arrays that the collector never moves.</summary>
    ManagedArray,

    /// <summary>Handles that keep the collector from moving an object.</summary>
    ObjectHandle,

    /// <summary>What <c>Memory&lt;T&gt;.Pin</c> holds.</summary>
    MemoryPin,

    /// <summary>Buffers of a pool for input and output.</summary>
    BufferPool,

    /// <summary>Buffers that are registered with an io_uring.</summary>
    Ring,

    /// <summary>Memory that is registered with a device: RDMA, GPU.</summary>
    Device,
}
