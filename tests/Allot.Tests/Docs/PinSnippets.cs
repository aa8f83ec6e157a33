using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Allot.Tests.PinSources;

namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to locked and pinned memory, compiled and run.</summary>
[Collection(KernelPins.Collection)]
public sealed class PinSnippets
{
    [Fact]
    public void Locks_and_secrets()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");

        #region pin-sources
        acme.Pins.MaxBytes = 1 << 20;

        using var memory = new LockedMemory(acme, 64 << 10);    // native memory, never swapped out
        memory.Unlock(offset: 32 << 10, bytes: 32 << 10);       // in parts, if need be

        using var key = new SecretBuffer(acme, 32);             // locked, guarded, zeroed, in no dump and no child
        RandomNumberGenerator.Fill(key.Span);

        using var array = new PinnedArray<byte>(acme, 4096);    // on the heap, and never moved
        using PinnedHandle handle = PinnedHandle.Of(acme, "text");
        #endregion

        Assert.Equal((32 << 10) + 4096 + 4096 + 8, acme.Pins.CurrentBytes);
        string expected = acme.Files.Read("pins.stat");

        #region pin-stat
        PinStat stat = acme.ReadPinStat();
        Console.WriteLine($"{stat.LockedBytes} locked, {stat.PinnedBytes} pinned, by {stat.Count} owners");
        Console.WriteLine($"of which {stat.BytesOf(PinSource.Secret)} are secrets; the oldest is {stat.Oldest}");
        Console.Write(acme.Files.Read("pins.stat"));
        #endregion

        Assert.Contains("secret 4096\n", expected, StringComparison.Ordinal);
        Assert.Equal(4, stat.Count);
    }

    [Fact]
    public unsafe void Memory_of_others()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme"), globex = acme.Parent!.CreateChild("globex");
        using var pages = new FreshPages(4);
        nint address = pages.Address;

        #region pin-locker
        var worker = new PinWorker(acme);
        using var locker = new MemoryLocker(worker);
        locker.Lock(address, 16 << 10);
        locker.Lock(address, 4 << 10);     // locked already: free
        locker.Unlock(address, 4 << 10);   // 12 KiB are left
        worker.MoveTo(globex);             // and now it is globex who pays for them, limit or not
        #endregion

        Assert.Equal((0, 12 << 10), (acme.Pins.CurrentBytes, globex.Pins.CurrentBytes));
    }

    [Fact]
    public void A_ring()
    {
        KernelPins.RequireIoUring();
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "content");

        #region pin-ring
        using var buffer = new PinnedArray<byte>(acme, 16 << 10);
        using var ring = new IoRing(acme);
        ring.Register(buffer.Memory);                       // pinned by the kernel until it is unregistered
        using (var file = File.OpenHandle(path))
        {
            int length = ring.Read(file, buffer: 0, bytes: 4096, fileOffset: 0);
            Console.WriteLine(Encoding.UTF8.GetString(buffer.Span[..length]));
        }
        #endregion

        File.Delete(path);
        Assert.Equal("content", Encoding.UTF8.GetString(buffer.Span[..7]));
    }

    [Fact]
    public void Held_buffers()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");

        #region pin-buffers
        using var pool = new GroupMemoryPool(acme, new GroupBufferOptions { HeldAs = PinKind.Locked });
        using IMemoryOwner<byte> rented = pool.Rent(4096);  // never swapped out until it is disposed
        #endregion

        Assert.InRange(acme.Pins.CurrentBytes, 4096, 3 * 4096);
    }

    [Fact]
    public void Own_sources()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");
        const long FrameBytes = 8192;

        #region pin-account
        using var account = new PinAccount(acme);           // records who pays; one for each owner
        if (account.TryPin(FrameBytes, out ChargeRefusal refusal))
        {
            // Pin the frame; when it is pinned no longer:
            account.Unpin(FrameBytes);
        }
        else
        {
            Console.Error.WriteLine(refusal);               // who refused, and which knob to turn
        }
        #endregion

        Assert.Equal(0, acme.Pins.CurrentBytes);
    }

    [Fact]
    public void Truth()
    {
        Assert.SkipUnless(PinCheck.IsSupported, "The check is of Linux.");
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme");
        using var memory = new LockedMemory(acme, 4096);

        #region pin-check
        PinCheckResult check = PinCheck.Run();
        if (!check.IsExact) Console.Error.WriteLine(check);   // both figures, and the cause

        foreach (PinReport pin in acme.FindPins(olderThan: TimeSpan.FromMinutes(1)))
        {
            Console.Error.WriteLine($"held for long: {pin}");
        }

        foreach (PinReport leak in PinLeaks.Recent) Console.Error.WriteLine($"never released: {leak}");
        #endregion

        Assert.True(check.IsExact, check.ToString());
    }
}
