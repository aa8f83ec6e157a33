namespace Allot.Tests.Pages;

/// <summary>The pages of this machine, every n-th request for which can be made to fail.</summary>
internal sealed class FailingPages : IPageSource
{
    private readonly IPageSource _source = SystemPages.Instance;
    private long _reservedBytes;
    private int _requests;

    /// <summary>The request that fails, counted from 1; 0 for none.</summary>
    public int FailsAt { get; set; }

    /// <summary>Whether all after that one fail as well.</summary>
    public bool FailsFromThereOn { get; set; }

    /// <summary>Requests so far that the system could have refused.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Address space that was not given back.</summary>
    public long ReservedBytes => Volatile.Read(ref _reservedBytes);

    public void Restart()
    {
        _requests = 0;
    }

    public nint Reserve(nuint bytes)
    {
        if (Fails()) return 0;
        nint address = _source.Reserve(bytes);
        if (address != 0) Interlocked.Add(ref _reservedBytes, (long)bytes);
        return address;
    }

    public bool TryCommit(nint address, nuint bytes) => !Fails() && _source.TryCommit(address, bytes);

    public void Decommit(nint address, nuint bytes) => _source.Decommit(address, bytes);

    public void Release(nint address, nuint bytes)
    {
        Interlocked.Add(ref _reservedBytes, -(long)bytes);
        _source.Release(address, bytes);
    }

    private bool Fails()
    {
        int request = Interlocked.Increment(ref _requests);
        return FailsAt > 0 && (request == FailsAt || (FailsFromThereOn && request > FailsAt));
    }
}
