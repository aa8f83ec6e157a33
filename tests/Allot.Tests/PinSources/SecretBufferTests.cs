namespace Allot.Tests.PinSources;

/// <summary>A secret is locked, guarded, hidden and zeroed: as the kernel shows its mapping.</summary>
[Collection(KernelPins.Collection)]
public sealed class SecretBufferTests
{
    private readonly TreeOfThree _tree = new();

    private static long Page => KernelPins.Page;

    [Fact]
    public void It_is_charged_as_memory_and_as_pins_and_gives_both_back()
    {
        using (var secret = new SecretBuffer(_tree.Leaf, 5000))
        {
            Assert.Equal(5000, secret.Length);
            Assert.Equal(new byte[5000], secret.Span.ToArray());
            Assert.Equal([2 * Page, 2 * Page, 2 * Page], _tree.Pins);
            Assert.Equal([2 * Page, 2 * Page, 2 * Page], _tree.Memory);
            Assert.Equal(2 * Page, _tree.Leaf.ReadPinStat().BytesOf(PinSource.Secret));
        }

        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Theory]
    [InlineData(true, "wf"), InlineData(false, "dc")]
    public void Its_pages_are_locked_left_out_of_dumps_and_of_children_and_between_guards(bool wipes, string flag)
    {
        using var secret = new SecretBuffer(_tree.Leaf, 100, new() { WipesOnFork = wipes });
        Assert.SkipUnless(secret.IsHidden, "Hiding is of Linux.");
        nuint end = AddressOf(secret) + 100;
        Assert.Equal(0u, end % (nuint)Page);   // one byte too far is the guard
        Mapping data = MappingAt(end - 1);
        Assert.Equal("rw-p", data.Access);
        Assert.Contains("lo", data.Flags);
        Assert.Contains("dd", data.Flags);
        Assert.Contains(flag, data.Flags);
        Assert.Equal("---p", MappingAt(end).Access);
        Assert.Equal("---p", MappingAt(end - (nuint)Page - 1).Access);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_child_finds_zeros_or_nothing_where_the_secret_is(bool wipes)
    {
        using var child = new ForkedChild();
        using var plain = new LockedMemory(_tree.Leaf, Page);
        using var secret = new SecretBuffer(_tree.Leaf, 100, new() { WipesOnFork = wipes });
        Assert.SkipUnless(secret.IsHidden, "Hiding is of Linux.");
        plain.Span.Fill(42);
        secret.Span.Fill(42);
        ForkedChild.Found seen = child.Look(plain.Address, Page);
        Assert.True(seen.IsThere);
        Assert.All(seen.Content, static one => Assert.Equal(42, one));
        ForkedChild.Found found = child.Look((nint)AddressOf(secret), 1);
        Assert.Equal((wipes, 0), (found.IsThere, found.LockedBytes));
        Assert.All(found.Content, static one => Assert.Equal(0, one));
        Assert.All(secret.Span.ToArray(), static one => Assert.Equal(42, one));
    }

    [Fact]
    public void Access_can_be_taken_away_and_given_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What may be done with pages is read from the kernel of Linux.");
        using var secret = new SecretBuffer(_tree.Leaf, 100);
        nuint address = AddressOf(secret);
        secret.Span[7] = 42;
        secret.DenyAccess();
        Assert.Equal("---p", MappingAt(address).Access);
        Assert.Contains("lo", MappingAt(address).Flags);
        secret.AllowReading();
        Assert.Equal("r--p", MappingAt(address).Access);
        Assert.Equal(42, secret.Span[7]);
        secret.AllowWriting();
        secret.Span[7] = 43;
        secret.DenyAccess();
        secret.Dispose();   // zeroes it all the same
        secret.Dispose();
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
        Assert.Throws<ObjectDisposedException>(secret.AllowReading);
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void What_would_be_unlocked_without_access_is_not_denied()
    {
        Assert.SkipUnless(OperatingSystem.IsWindows(), "That is of Windows.");
        using var secret = new SecretBuffer(_tree.Leaf, 100);
        secret.Span[7] = 42;
        Assert.Throws<PlatformNotSupportedException>(secret.DenyAccess);
        secret.AllowReading();
        Assert.Equal(42, secret.Span[7]);
        secret.AllowWriting();
        secret.Span[7] = 43;
    }

    // Pages that are registered with a ring outlive their address: what is in them is read by a write to a file.
    [Theory, InlineData(100, false), InlineData(9000, false), InlineData(100, true)]
    public void Its_pages_hold_zeros_when_they_go_back_to_the_system(int bytes, bool isDenied)
    {
        KernelPins.RequireIoUring();
        string path = Path.GetTempFileName();
        try
        {
            var secret = new SecretBuffer(_tree.Leaf, bytes);
            secret.Span.Fill(42);
            using var ring = new IoRing(_tree.Leaf);
            ring.Register(secret.Memory);
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
            Assert.Equal(bytes, ring.Write(file, buffer: 0, bytes, fileOffset: 0));
            Assert.Equal(Enumerable.Repeat((byte)42, bytes), File.ReadAllBytes(path));
            if (isDenied) secret.DenyAccess();
            secret.Dispose();
            Assert.Equal(bytes, ring.Write(file, buffer: 0, bytes, fileOffset: 0));
            Assert.Equal(new byte[bytes], File.ReadAllBytes(path));
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void A_refusal_leaves_nothing_behind()
    {
        _tree.Middle.Pins.MaxBytes = Page;
        Assert.Throws<MemoryLimitExceededException>(() => new SecretBuffer(_tree.Leaf, 5000));
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SecretBuffer(_tree.Leaf, 0));
        if (PinCheck.IsSupported) Assert.True(PinCheck.Run().IsExact);
    }

    private static unsafe nuint AddressOf(SecretBuffer secret)
    {
        fixed (byte* start = secret.Span) return (nuint)start;
    }

    private static Mapping MappingAt(nuint address)
    {
        string access = "", flags = "";
        bool isHere = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (ProcessMemory.TryParseHeader(line, out PageRange range))
            {
                if (isHere) break;
                isHere = range.Start <= address && address < range.End;
                if (isHere) access = line.Split(' ')[1];
            }
            else if (isHere && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                flags = line;
            }
        }

        return new Mapping(access, flags.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    private sealed record Mapping(string Access, string[] Flags);
}
