using System.Runtime.InteropServices;

namespace Allot.Processes.Launching;

/// <summary>A null-ended array of zero-ended strings in native memory, as exec takes it.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private byte** _pointers;

    public NativeStrings(List<byte[]> strings)
    {
        nuint tableBytes = (nuint)(strings.Count + 1) * (nuint)sizeof(byte*);
        nuint totalBytes = tableBytes;
        foreach (byte[] text in strings) totalBytes += (nuint)text.Length + 1;

        _pointers = (byte**)NativeMemory.Alloc(totalBytes);
        byte* next = (byte*)_pointers + tableBytes;
        for (int i = 0; i < strings.Count; i++)
        {
            _pointers[i] = next;
            strings[i].CopyTo(new Span<byte>(next, strings[i].Length));
            next[strings[i].Length] = 0;
            next += strings[i].Length + 1;
        }
        _pointers[strings.Count] = null;
    }

    /// <summary>The array; valid until <see cref="Dispose"/>.</summary>
    public byte** Pointers => _pointers;

    public void Dispose()
    {
        NativeMemory.Free(_pointers);
        _pointers = null;
    }
}
