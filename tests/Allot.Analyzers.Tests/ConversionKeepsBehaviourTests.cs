using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>A program is compiled and run before and after its chains were converted: every allocation gets the same
/// permissions as before.</summary>
public sealed class ConversionKeepsBehaviourTests
{
    private const string Before = """
        public static class Program
        {
            private static readonly List<string> s_log = new();

            public static async Task<string> Run()
            {
                Save();
                using (AllocationScope.NoIo()) Save();
                using (AllocationScope.NoFs())
                {
                    Write(30, AllocationFlags.NoFs);
                    Write(31, AllocationFlags.NoIo);
                }

                try
                {
                    Write(-1, AllocationFlags.NoIo);
                }
                catch (ArgumentException)
                {
                    Allocate(40, AllocationFlags.Kernel);
                }

                await LoadAsync();
                Task<int> started = ReadAsync(60, AllocationFlags.NoFs);
                Allocate(await started, AllocationFlags.Kernel);
                int[] sizes = { 70, 71 };
                foreach (int size in sizes) Write(size, AllocationFlags.NoFs);
                Allocate(80, AllocationFlags.Kernel);
                return string.Join("\n", s_log);
            }

            private static void Save()
            {
                Write(1, AllocationFlags.Kernel);
                Write(2, AllocationFlags.NoFs);
                Write(3, AllocationFlags.NoFs);
                int written = Write(4, AllocationFlags.NoIo);
                Allocate(written, AllocationFlags.Kernel);
            }

            private static int Write(int bytes, AllocationFlags flags)
            {
                if (bytes < 0) throw new ArgumentException("bytes");
                if (bytes > 69) return Grow(flags: flags, bytes: 2 * bytes);
                return Grow(bytes, flags);
            }

            private static int Grow(int bytes, AllocationFlags flags = AllocationFlags.Kernel)
            {
                Allocate(bytes, flags | AllocationFlags.Zero);
                return bytes;
            }

            private static async Task LoadAsync()
            {
                int read = await ReadAsync(50, AllocationFlags.NoIo);
                Allocate(read, AllocationFlags.Kernel);
                await ReadAsync(51, AllocationFlags.Kernel).ConfigureAwait(false);
            }

            private static async Task<int> ReadAsync(int bytes, AllocationFlags flags)
            {
                Allocate(bytes, flags);
                await Task.Yield();
                Allocate(bytes + 100, flags);
                return bytes;
            }

            private static void Allocate(int bytes, AllocationFlags flags)
            {
                lock (s_log) s_log.Add($"{bytes}: {AllocationContext.Apply(flags)}");
            }
        }
        """;

    [Fact]
    public async Task Every_allocation_has_the_same_permissions_before_and_after()
    {
        var code = new CodeUnderTest(new HandedThroughFlagsAnalyzer(), Before);
        string before = await RunAsync(code);
        Assert.True(before.Split('\n').Select(line => line.Split(": ")[1]).Distinct().Count() > 4, before);

        await code.FixAllAsync(new HandedThroughFlagsFix());

        string after = await code.TextAsync();
        Assert.Contains("Write(int bytes)", after, StringComparison.Ordinal);
        Assert.Contains("Grow(int bytes)", after, StringComparison.Ordinal);
        Assert.Contains("ReadAsync(int bytes)", after, StringComparison.Ordinal);
        Assert.Equal(before, await RunAsync(code));
    }

    private static async Task<string> RunAsync(CodeUnderTest code)
    {
        Compilation compilation = (await code.Solution.GetProject(code.Project)!.GetCompilationAsync())!;
        using var image = new MemoryStream();
        Assert.True(compilation.Emit(image, cancellationToken: TestContext.Current.CancellationToken).Success);
        image.Position = 0;
        var context = new AssemblyLoadContext(name: null, isCollectible: true);
        try
        {
            MethodInfo run = context.LoadFromStream(image).GetType("Program")!.GetMethod("Run")!;
            return await (Task<string>)run.Invoke(obj: null, parameters: null)!;
        }
        finally
        {
            context.Unload();
        }
    }
}
