using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Allot.Maps;
using Microsoft.Win32.SafeHandles;

namespace Allot.Tests.Maps;

/// <summary>Values that belong to owners: the rows of Linux, and that they go with their owners.</summary>
public sealed unsafe class LocalStorageTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("tenant");

    [Fact]
    public void Each_kind_of_owner_has_its_storage()
    {
        using (var threads = Create<TaskStorage>(MapType.TaskStorage))
        using (var sockets = Create<SocketStorage>(MapType.SocketStorage))
        using (var files = Create<FileStorage>(MapType.InodeStorage))
        using (var groups = Create<GroupStorage>(MapType.CgroupOwnedStorage))
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        using (SafeFileHandle file = File.OpenHandle(typeof(LocalStorageTests).Assembly.Location))
        {
            Check(threads, Thread.CurrentThread);
            Check(sockets, socket);
            Check(files, file);
            Check(groups, _group);
            long sum = threads.ChargedBytes + sockets.ChargedBytes + files.ChargedBytes + groups.ChargedBytes;
            Assert.Equal(sum, _group.Kernel.CurrentBytes);
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void The_rows_of_the_host()
    {
        using var storage = Create<TaskStorage>(MapType.TaskStorage);
        uint key = MapHandles.Of(Thread.CurrentThread), bad = MapHandles.Of(this), none = uint.MaxValue;
        long value = 42, read = 0;
        Assert.Equal(-2, storage.Read((byte*)&key, (byte*)&read));
        Assert.Equal(-2, storage.Write((byte*)&key, (byte*)&value, 2));
        Assert.Equal(-22, storage.Write((byte*)&key, (byte*)&value, 3));
        Assert.Equal(0, storage.Write((byte*)&key, (byte*)&value, 1));
        Assert.Equal(-17, storage.Write((byte*)&key, (byte*)&value, 1));
        value = 43;
        Assert.Equal(0, storage.Write((byte*)&key, (byte*)&value, 2));
        Assert.Equal(0, storage.Read((byte*)&key, (byte*)&read));
        Assert.Equal(43, read);
        foreach (uint wrong in new[] { bad, none })
        {
            uint number = wrong;
            Assert.Equal(-9, storage.Read((byte*)&number, (byte*)&read));
            Assert.Equal(-9, storage.Write((byte*)&number, (byte*)&value));
            Assert.Equal(-9, storage.Remove((byte*)&number));
        }

        Assert.Equal(-524, storage.LookupAndDelete((byte*)&key, (byte*)&read));
        Assert.Equal(-524, storage.NextKey(null, (byte*)&read));
        Assert.Equal(0, storage.Remove((byte*)&key));
        Assert.Equal(-2, storage.Remove((byte*)&key));
        Assert.Equal(0, storage.ChargedBytes);
    }

    [Fact]
    public void A_value_goes_with_its_owner()
    {
        using var storage = Create<GroupStorage>(MapType.CgroupOwnedStorage);
        AddForgotten(storage, 100);
        for (int i = 0; i < 20 && storage.Count > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(0, storage.Count);
        Assert.Equal(0, storage.ChargedBytes);
        Assert.Equal(0, _group.Kernel.CurrentBytes);
    }

    [Fact]
    public void The_value_of_a_group_goes_when_the_group_is_removed()
    {
        using var storage = Create<GroupStorage>(MapType.CgroupOwnedStorage);
        using var other = Create<GroupStorage>(MapType.CgroupOwnedStorage);
        MemoryGroup owner = _group.CreateChild("owner"), stays = _group.CreateChild("stays");
        Assert.Equal(0, storage.Set(owner, new byte[8]));
        Assert.Equal(0, storage.Set(stays, new byte[8]));
        Assert.Equal(0, other.Set(owner, new byte[8]));
        Assert.True(other.TryGet(owner, out StorageUse use));
        owner.Remove();
        Assert.Equal(1, storage.Count);
        Assert.Equal(OwnedValues.ChargeOf(8), storage.ChargedBytes);
        Assert.False(storage.TryGet(owner, out _));
        Assert.False(storage.TryGetOrAdd(owner, out _));
        Assert.Equal(-9, storage.Set(owner, new byte[8]));
        Assert.Equal(-2, storage.Delete(owner));
        Assert.Equal(1, other.Count);   // in use
        use.Dispose();
        Assert.Equal(0, other.Count);
        Assert.Equal(OwnedValues.ChargeOf(8), _group.Kernel.CurrentBytes);
    }

    [Fact]
    public void A_group_that_is_removed_while_threads_add_its_value_keeps_none()
    {
        using var storage = Create<GroupStorage>(MapType.CgroupOwnedStorage);
        MemoryGroup[] owners = [.. Enumerable.Range(0, 400).Select(i => _group.CreateChild($"owner{i}"))];
        Crew.Run(threads: 4, thread =>
        {
            foreach (MemoryGroup owner in owners)
            {
                if (thread == 0) owner.Remove();
                else if (storage.TryGetOrAdd(owner, out StorageUse use)) use.Dispose();
            }
        });
        Assert.Equal(0, storage.Count);
        Assert.Equal(0, storage.ChargedBytes);
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_value_that_is_deleted_in_use_stays_until_the_use_ends()
    {
        using var storage = Create<TaskStorage>(MapType.TaskStorage);
        Assert.True(storage.TryGetOrAdd(Thread.CurrentThread, out StorageUse use));
        use.Bytes[0] = 5;
        Assert.Equal(0, storage.Delete(Thread.CurrentThread));
        Assert.False(storage.TryGet(Thread.CurrentThread, out _));
        Assert.Equal(5, use.Bytes[0]);
        Assert.Equal(1, storage.Count);
        use.Dispose();
        use.Dispose();
        Assert.Equal(0, storage.Count);
        Assert.Equal(0, storage.ChargedBytes);
    }

    [Fact]
    public void A_storage_that_ends_frees_the_values_of_living_owners()
    {
        var storage = Create<TaskStorage>(MapType.TaskStorage);
        Assert.Equal(0, storage.Set(Thread.CurrentThread, BitConverter.GetBytes(1L)));
        Assert.True(storage.TryGet(Thread.CurrentThread, out StorageUse use));
        storage.Dispose();
        Assert.Equal(1, use.Bytes[0]);
        Assert.True(_group.Kernel.CurrentBytes > 0);
        use.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
        Assert.Throws<ObjectDisposedException>(() => storage.TryGet(Thread.CurrentThread, out _));
    }

    [Fact]
    public void A_value_that_a_limit_refuses_is_ENOMEM_and_changes_nothing()
    {
        MemoryGroup small = _group.CreateChild("small", new MemoryGroupOptions { MaxBytes = OwnedValues.ChargeOf(8) });
        using var storage = new GroupStorage(small, Definition(MapType.CgroupOwnedStorage));
        Assert.Equal(0, storage.Set(_group, new byte[8]));
        Assert.Equal(-12, storage.Set(small, new byte[8]));
        Assert.Same(small, storage.LastRefusal.Limiter);
        Assert.False(storage.TryGetOrAdd(small, out _));
        Assert.Equal(1, storage.Count);
        Assert.Equal(storage.ChargedBytes, small.Kernel.CurrentBytes);
    }

    [Fact]
    public void Eight_threads_add_and_delete_and_nothing_is_left()
    {
        using (var storage = Create<GroupStorage>(MapType.CgroupOwnedStorage))
        {
            MemoryGroup[] owners = [.. Enumerable.Range(0, 10).Select(i => _group.CreateChild($"owner{i}"))];
            Parallel.For(0, 8, thread =>
            {
                for (int i = 0; i < 2000; i++)
                {
                    MemoryGroup owner = owners[(i * 7) + thread & 7];
                    if (i % 3 == 0) storage.Delete(owner);
                    else if (storage.TryGetOrAdd(owner, out StorageUse use))
                    {
                        Interlocked.Increment(ref Unsafe.As<byte, long>(ref use.Bytes[0]));
                        use.Dispose();
                    }
                }
            });
            Assert.Equal(storage.Count * OwnedValues.ChargeOf(8), storage.ChargedBytes);
            Assert.Equal(storage.Memory.AllocatedBytes, storage.ChargedBytes);
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory]
    [InlineData(MapType.CgroupStorage, 8)]
    [InlineData(MapType.CgroupStorage, 16)]
    [InlineData(MapType.PerCpuCgroupStorage, 16)]
    public void A_group_has_a_value_while_something_is_attached(MapType type, int keyBytes)
    {
        MemoryGroup group = _group.CreateChild("attached");
        var definition = new MapDefinition { Type = type, KeyBytes = keyBytes, ValueBytes = 8 };
        using (var storage = (CgroupStorage)GroupMap.Create(_group, definition))
        {
            ulong* key = stackalloc ulong[2] { MapHandles.Of(group), 3 };
            ulong* next = stackalloc ulong[2];
            byte[] bytes = new byte[storage.HostValueBytes];
            fixed (byte* value = bytes)
            {
                Assert.Equal(-2, storage.Write((byte*)key, value));
                Assert.Equal(-2, storage.NextKey(null, (byte*)next));
                Assert.Equal(0, storage.Attach(group, 3));
                Assert.Equal(0, storage.Attach(group, 3));
                Assert.Equal(1, storage.Count);
                bytes.AsSpan().Fill(7);
                Assert.Equal(-22, storage.Write((byte*)key, value, 1));
                Assert.Equal(0, storage.Write((byte*)key, value));
                Assert.Equal(0, storage.Write((byte*)key, value, 2));
                bytes.AsSpan().Clear();
                Assert.Equal(0, storage.Read((byte*)key, value));
                Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept((byte)7));
                byte* address = storage.Find(group, 3);
                Assert.Equal(7, *address);
                Assert.True(storage.Contains((ulong)address, 8, writes: true));
                Assert.Equal(keyBytes == 8, storage.Find(group, 4) != null);
                Assert.Equal(0, storage.NextKey(null, (byte*)next));
                Assert.Equal(key[0], next[0]);
                Assert.Equal(-2, storage.NextKey((byte*)key, (byte*)next));
                Assert.Equal(-22, storage.Remove((byte*)key));
            }

            Assert.Equal(storage.Memory.AllocatedBytes, _group.Kernel.CurrentBytes);
            Assert.Equal(0, storage.Detach(group, 3));
            Assert.True(storage.Find(group, 3) != null);
            Assert.Equal(0, storage.Detach(group, 3));
            Assert.Equal(-2, storage.Detach(group, 3));
            Assert.True(storage.Find(group, 3) == null);
            Assert.Equal(0, storage.Attach(group, 3));
            Assert.Equal(0, *storage.Find(group, 3));
        }

        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    private static void Check<T>(LocalStorage<T> storage, T owner)
        where T : class
    {
        Assert.False(storage.TryGet(owner, out _));
        Assert.Equal(0, storage.Set(owner, BitConverter.GetBytes(1234L)));
        Assert.True(storage.TryGet(owner, out StorageUse use));
        using (use) Assert.Equal(1234, BitConverter.ToInt64(use.Bytes));
        Assert.Equal(1, storage.Count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddForgotten(GroupStorage storage, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(storage.TryGetOrAdd(new MemoryController().Root, out StorageUse use));
            use.Dispose();
        }

        Assert.Equal(count, storage.Count);
    }

    private static MapDefinition Definition(MapType type) =>
        new() { Name = "storage", Type = type, KeyBytes = 4, ValueBytes = 8, Flags = MapFlags.NoPreallocation };

    private T Create<T>(MapType type)
        where T : GroupMap =>
        (T)GroupMap.Create(_group, Definition(type));
}
