using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot.Tests.Slabs;

/// <summary>A group and what a bookkeeper would write down for it: bytes of its own, which its parent inherits.</summary>
internal sealed class MixTenant(MemoryGroup group, MixTenant? parent, MemoryGroupOptions limits)
{
    private long _userBytes, _kernelBytes;

    public MemoryGroup Group => group;

    public MixTenant? Parent => parent;

    public List<MixTenant> Children { get; } = [];

    public bool IsRemoved { get; private set; }

    /// <summary>Who holds what was charged to it.</summary>
    public MixTenant Heir => IsRemoved ? parent!.Heir : this;

    public long KernelBytes => _kernelBytes + Children.Sum(static child => child.KernelBytes);

    public long MemoryBytes => _userBytes + _kernelBytes + Children.Sum(static child => child.MemoryBytes);

    public MixTenant AddChild(string name, MemoryGroupOptions options)
    {
        var child = new MixTenant(group.CreateChild(name, options), this, options);
        Children.Add(child);
        return child;
    }

    /// <summary>Whether a charge succeeds: on all levels or not at all.</summary>
    public bool Fits(MemoryKind kind, long bytes)
    {
        if (IsRemoved) return false;
        bool fits = MemoryBytes + bytes <= limits.MaxBytes;
        if (kind == MemoryKind.Kernel) fits &= KernelBytes + bytes <= limits.KernelMaxBytes;
        return fits && parent?.Fits(kind, bytes) != false;
    }

    public void Add(MemoryKind kind, long bytes)
    {
        if (kind == MemoryKind.Kernel) _kernelBytes += bytes;
        else _userBytes += bytes;
    }

    public void Remove()
    {
        group.Remove();
        IsRemoved = true;
        parent!.Children.Remove(this);
        parent._userBytes += _userBytes;
        parent._kernelBytes += _kernelBytes;
    }

    public void AssertReadsTheSame()
    {
        Assert.Equal(MemoryBytes, group.Memory.CurrentBytes);
        Assert.Equal(KernelBytes, group.Kernel.CurrentBytes);
        Assert.Equal(Children.Count, group.Children.Count);
        foreach (MixTenant child in Children) child.AssertReadsTheSame();
    }
}

/// <summary>An object cache, whatever its type.</summary>
internal abstract unsafe class MixCache(bool isPrivate, MemoryKind kind)
{
    protected const long Magic = 0x600D_0B1E_C75F_0001;

    public bool IsPrivate => isPrivate;

    public MemoryKind Kind => kind;

    public bool Constructs { get; protected init; }

    /// <summary>Whether the constructor fails. It says so itself, when it is called.</summary>
    public bool ConstructorThrows { get; set; }

    public abstract int ItemBytes { get; }

    public abstract long ChargedBytes { get; }

    public abstract nint TryAllocate(MemoryGroup group);

    public abstract void Free(nint item);

    public abstract long FreeAll(MemoryGroup group);

    public abstract void Remove();

    public abstract void Shrink();

    public abstract long Active(MemoryGroup? group);

    public abstract void Tune(ObjectCacheTunables tunables);
}

[SuppressMessage("StyleCop", "SA1402", Justification = "The same with its type.")]
internal sealed unsafe class MixCache<T> : MixCache
    where T : unmanaged
{
    private readonly ObjectCache<T> _cache;

    public MixCache(SlabAllocator slabs, string name, ObjectCacheOptions options, bool constructs)
        : base(options.HasPrivateSlabs, options.Kind)
    {
        Constructs = constructs;
        _cache = new ObjectCache<T>(slabs, name, options, constructs ? Construct : null);
    }

    public override int ItemBytes => sizeof(T);

    public override long ChargedBytes => _cache.ObjectBytes;

    public override nint TryAllocate(MemoryGroup group)
    {
        T* item = _cache.TryAllocate(group, out ChargeRefusal refusal);
        if (item == null) Assert.Same(group, refusal.Group);
        else if (Constructs) Assert.Equal(Magic, *(long*)item);
        return (nint)item;
    }

    public override void Free(nint item) => _cache.Free((T*)item);

    public override long FreeAll(MemoryGroup group) => _cache.FreeAll(group);

    public override void Remove() => _cache.Remove();

    public override void Shrink() => _ = _cache.Shrink();

    public override long Active(MemoryGroup? group) =>
        (group is null ? _cache.ReadStatistics() : _cache.ReadStatistics(group)).ActiveObjects;

    public override void Tune(ObjectCacheTunables tunables) => _cache.Tunables = tunables;

    private void Construct(ref T item)
    {
        if (ConstructorThrows) throw new NotSupportedException("The constructor throws.");
        Unsafe.As<T, long>(ref item) = Magic;
    }
}

/// <summary>A live block: who was charged what for it, and what is in it.</summary>
internal sealed unsafe record MixBlock(MixTenant Tenant, MixCache? Cache, MemoryKind Kind)
{
    public required nint Address { get; init; }

    /// <summary>What may be used.</summary>
    public required long Bytes { get; init; }

    /// <summary>0 where nobody pays.</summary>
    public required long ChargedBytes { get; init; }

    public required byte Pattern { get; init; }

    // Behind what the constructor has made, and not all of a large block.
    private Span<byte> Content
    {
        get
        {
            int from = Cache is { Constructs: true } ? sizeof(long) : 0;
            return new Span<byte>((byte*)Address + from, (int)Math.Min(Bytes - from, 4096));
        }
    }

    public void Fill() => Content.Fill(Pattern);

    public void AssertUntouched() =>
        Assert.True(Content.IndexOfAnyExcept(Pattern) < 0, "Nobody else has written to the block.");
}
