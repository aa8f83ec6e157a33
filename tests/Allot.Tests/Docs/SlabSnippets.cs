namespace Allot.Tests.Docs;

/// <summary>The code blocks of the guide to allocating, compiled and run.</summary>
public sealed unsafe class SlabSnippets
{
    [Fact]
    public void Blocks_of_a_tenant()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme", new() { MaxBytes = 1 << 20 });

        #region allocate-block
        byte* block = GroupMemory.Allocate(acme, 100);   // charged to 'acme': 112 bytes, the size of its class
        try
        {
            new Span<byte>(block, 100).Clear();          // what is in a new block is undefined
        }
        finally
        {
            GroupMemory.Free(block);                     // on any thread; 'acme' gets its bytes back
        }
        #endregion

        Assert.Equal(0, acme.Memory.CurrentBytes);

        #region allocate-loop
        GroupAllocator allocator = acme.Allocator();     // for this thread and this call
        for (nuint bytes = 8; bytes <= 64; bytes += 8)
        {
            byte* item = allocator.TryAllocate(bytes, out ChargeRefusal refusal);
            if (item == null)
            {
                Console.Error.WriteLine(refusal);        // who refused, and which knob to turn
                break;
            }

            allocator.Free(item);
        }
        #endregion

        Assert.Equal(0, acme.Memory.CurrentBytes);
    }

    #region cache-type
    private struct Entry
    {
        public long Key;
        public Entry* Next;
    }

    private static readonly ObjectCache<Entry> s_entries = new("entries");
    #endregion

    [Fact]
    public void Objects_of_a_tenant()
    {
        MemoryGroup acme = new MemoryController().Root.CreateChild("acme", new() { KernelMaxBytes = 1 << 20 });

        #region cache-use
        Entry* entry = s_entries.Allocate(acme);         // kernel memory of 'acme', unless the cache says otherwise
        *entry = new Entry { Key = 42, Next = null };

        ObjectCacheStatistics all = s_entries.ReadStatistics(), part = s_entries.ReadStatistics(acme);
        Console.WriteLine($"{all.Name}: {part.ActiveObjects} of {all.ActiveObjects} objects are acme's");

        s_entries.Free(entry);
        s_entries.Shrink();                              // slabs without objects go back
        #endregion

        Assert.Equal(1, part.ActiveObjects);
        Assert.Equal(0, acme.Kernel.CurrentBytes);
    }
}
