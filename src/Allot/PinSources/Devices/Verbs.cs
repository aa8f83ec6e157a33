// The few functions of libibverbs that registering needs, by their exported names.

using System.Runtime.InteropServices;

namespace Allot;

internal sealed unsafe class Verbs
{
    public const string LibraryName = "libibverbs.so.1";

    private static readonly Lazy<Verbs?> s_system = new(() => TryLoad(LibraryName));

    private readonly delegate* unmanaged<int*, nint*> _getDevices;
    private readonly delegate* unmanaged<nint*, void> _freeDevices;
    private readonly delegate* unmanaged<nint, nint> _nameOf;
    private readonly delegate* unmanaged<nint, nint> _open;
    private readonly delegate* unmanaged<nint, int> _close;
    private readonly delegate* unmanaged<nint, nint> _allocateDomain;
    private readonly delegate* unmanaged<nint, int> _freeDomain;
    private readonly delegate* unmanaged<nint, nint, nuint, int, nint> _register;
    private readonly delegate* unmanaged<nint, int> _unregister;

    private Verbs(nint library)
    {
        _getDevices = (delegate* unmanaged<int*, nint*>)NativeLibrary.GetExport(library, "ibv_get_device_list");
        _freeDevices = (delegate* unmanaged<nint*, void>)NativeLibrary.GetExport(library, "ibv_free_device_list");
        _nameOf = (delegate* unmanaged<nint, nint>)NativeLibrary.GetExport(library, "ibv_get_device_name");
        _open = (delegate* unmanaged<nint, nint>)NativeLibrary.GetExport(library, "ibv_open_device");
        _close = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "ibv_close_device");
        _allocateDomain = (delegate* unmanaged<nint, nint>)NativeLibrary.GetExport(library, "ibv_alloc_pd");
        _freeDomain = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "ibv_dealloc_pd");
        _register = (delegate* unmanaged<nint, nint, nuint, int, nint>)NativeLibrary.GetExport(library, "ibv_reg_mr");
        _unregister = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "ibv_dereg_mr");
    }

    /// <summary>That of the system; null when there is none.</summary>
    public static Verbs? Find() => s_system.Value;

    /// <summary>Loads a library.</summary>
    /// <returns>Null when it is not there, or is something else.</returns>
    public static Verbs? TryLoad(string path)
    {
        if (!NativeLibrary.TryLoad(path, out nint library)) return null;
        try
        {
            return new Verbs(library);
        }
        catch (EntryPointNotFoundException)
        {
            NativeLibrary.Free(library);
            return null;
        }
    }

    /// <returns>Null where the kernel has no RDMA at all.</returns>
    public nint* GetDevices(out int count)
    {
        int found = 0;
        nint* devices = _getDevices(&found);
        count = devices == null ? 0 : found;
        return devices;
    }

    public void FreeDevices(nint* devices) => _freeDevices(devices);

    public string NameOf(nint device) => Marshal.PtrToStringUTF8(_nameOf(device)) ?? "";

    public nint Open(nint device) => _open(device);

    public void Close(nint context) => _ = _close(context);

    public nint AllocateDomain(nint context) => _allocateDomain(context);

    public void FreeDomain(nint domain) => _ = _freeDomain(domain);

    public nint Register(nint domain, nint address, nuint bytes, int access) =>
        _register(domain, address, bytes, access);

    /// <returns>0, or the error.</returns>
    public int Unregister(nint region) => _unregister(region);
}
