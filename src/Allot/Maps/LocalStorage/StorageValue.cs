// The value of one owner. The weak table of the storage keeps it alive as long as the owner lives; then nobody does,
// and the finalizer gives the memory back. Who uses the value holds a user meanwhile, so a value that is deleted under
// a program goes when the program has ended.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Allot.Maps;

internal sealed unsafe class StorageValue(OwnedValues values, byte* bytes) : IRunResource
{
    private int _users = 1;   // the table, and who uses the value
    private int _isFreed;

    ~StorageValue() => Free();

    public byte* Bytes => bytes;

    /// <returns>False when the value is gone.</returns>
    public bool TryAddUser() => UserCount.TryAdd(ref _users);

    [SuppressMessage("Usage", "CA1816", Justification = "What ends here is not called Dispose.")]
    public void Release()
    {
        int users = Interlocked.Decrement(ref _users);
        Debug.Assert(users >= 0, "A value is released as often as it was used.");
        if (users != 0) return;
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Interlocked.Exchange(ref _isFreed, 1) == 0) values.Free(bytes);
    }
}
