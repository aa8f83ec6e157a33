using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot.Tests.PinSources;

/// <summary>A library that gcc makes of a source beside this one; skips where there is no gcc.</summary>
internal sealed class CompiledLibrary : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("allot-library-");
    private readonly nint _library;

    public CompiledLibrary(string source)
    {
        if (!OperatingSystem.IsLinux()) _folder.Delete();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "gcc makes libraries of Linux.");
        Path = System.IO.Path.Combine(_folder.FullName, "library.so");
        string file = System.IO.Path.Combine(
            Repository.RepositoryFiles.Root, "tests/Allot.Tests/PinSources/Native", source);
        try
        {
            using var gcc = Process.Start(
                "gcc", ["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", Path, file]);
            gcc.WaitForExit();
            Assert.Equal(0, gcc.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            _folder.Delete(recursive: true);
            Assert.Skip("This needs gcc.");
        }

        _library = NativeLibrary.Load(Path);
    }

    public string Path { get; }

    public nint Export(string name) => NativeLibrary.GetExport(_library, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
