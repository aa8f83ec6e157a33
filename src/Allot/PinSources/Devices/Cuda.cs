// The few functions of the CUDA driver that registering needs, by their exported names. All return 0 or an error.

using System.Runtime.InteropServices;

namespace Allot;

internal sealed unsafe class Cuda
{
    public const int Portable = 1;   // for all contexts

    private static readonly Lazy<Cuda?> s_system = new(() => TryLoad(LibraryName));

    private readonly delegate* unmanaged<uint, int> _init;
    private readonly delegate* unmanaged<int*, int, int> _getDevice;
    private readonly delegate* unmanaged<byte*, int, int, int> _getName;
    private readonly delegate* unmanaged<nint*, int, int> _retainContext;
    private readonly delegate* unmanaged<int, int> _releaseContext;
    private readonly delegate* unmanaged<nint*, int> _getContext;
    private readonly delegate* unmanaged<nint, int> _setContext;
    private readonly delegate* unmanaged<nint, nuint, uint, int> _register;
    private readonly delegate* unmanaged<nint, int> _unregister;

    private Cuda(nint library)
    {
        _init = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(library, "cuInit");
        _getDevice = (delegate* unmanaged<int*, int, int>)NativeLibrary.GetExport(library, "cuDeviceGet");
        _getName = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(library, "cuDeviceGetName");
        _retainContext =
            (delegate* unmanaged<nint*, int, int>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxRetain");
        _releaseContext =
            (delegate* unmanaged<int, int>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxRelease_v2");
        _getContext = (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cuCtxGetCurrent");
        _setContext = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuCtxSetCurrent");
        _register =
            (delegate* unmanaged<nint, nuint, uint, int>)NativeLibrary.GetExport(library, "cuMemHostRegister_v2");
        _unregister = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuMemHostUnregister");
    }

    public static string LibraryName => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    /// <summary>That of the system; null when there is none.</summary>
    public static Cuda? Find() => s_system.Value;

    /// <summary>Loads a library.</summary>
    /// <returns>Null when it is not there, or is something else.</returns>
    public static Cuda? TryLoad(string path)
    {
        if (!NativeLibrary.TryLoad(path, out nint library)) return null;
        try
        {
            return new Cuda(library);
        }
        catch (EntryPointNotFoundException)
        {
            NativeLibrary.Free(library);
            return null;
        }
    }

    /// <summary>Opens a device.</summary>
    /// <returns>0, or the error.</returns>
    public int Open(int index, out int device, out nint context, out string name)
    {
        int found = 0;
        nint retained = 0;
        const int NameBytes = 256;
        byte* text = stackalloc byte[NameBytes];
        int error = _init(0);
        if (error == 0) error = _getDevice(&found, index);
        if (error == 0) error = _getName(text, NameBytes, found);
        if (error == 0) error = _retainContext(&retained, found);
        (device, context, name) = (found, retained, error == 0 ? Marshal.PtrToStringUTF8((nint)text)! : "");
        return error;
    }

    public void Close(int device) => _ = _releaseContext(device);

    public int Register(nint context, nint address, nuint bytes)
    {
        int error = Enter(context, out nint before);
        if (error != 0) return error;
        error = _register(address, bytes, Portable);
        _ = _setContext(before);
        return error;
    }

    public int Unregister(nint context, nint address)
    {
        int error = Enter(context, out nint before);
        if (error != 0) return error;
        error = _unregister(address);
        _ = _setContext(before);
        return error;
    }

    // The context of the calling thread is its own affair: it gets it back.
    private int Enter(nint context, out nint before)
    {
        nint current = 0;
        int error = _getContext(&current);
        before = current;
        return error == 0 ? _setContext(context) : error;
    }
}
