namespace Allot.Analyzers.Tests;

/// <summary>A program is compiled and run before and after its chains were converted: every allocation gets the same
/// permissions as before.</summary>
public sealed class ConversionKeepsBehaviourTests
{
    private const string Write = ProgramUnderTest.Write;

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
        string before = await ProgramUnderTest.RunAsync(code);
        Assert.True(before.Split('\n').Select(line => line.Split(": ")[1]).Distinct().Count() > 4, before);

        await code.FixAllAsync(new HandedThroughFlagsFix());

        string after = await code.TextAsync();
        Assert.Contains("Write(int bytes)", after, StringComparison.Ordinal);
        Assert.Contains("Grow(int bytes)", after, StringComparison.Ordinal);
        Assert.Contains("ReadAsync(int bytes)", after, StringComparison.Ordinal);
        Assert.Equal(before, await ProgramUnderTest.RunAsync(code));
    }

    // With a scope around the call that stays; where a scope only seems to be active, the call gets its own.
    public static TheoryData<string, string, string, string> Shapes => new()
    {
        { "enclosing flowing scope in an async iterator", "await foreach (int i in It()) { }", """
            private static async IAsyncEnumerable<int> It()
            {
                FlowingScope scope = FlowingScope.NoFs();
                try
                {
                    yield return 1;
                    await PutAsync(2, AllocationFlags.NoFs);
                    yield return 2;
                }
                finally
                {
                    try { scope.Dispose(); } catch (ScopeMisuseException) { }
                }
            }
            private static async Task PutAsync(int n, AllocationFlags f) { await Task.Yield(); Allocate(n, f); }
            """, "" },
        { "lock rebuilt by its constructor", "new E().Put();", "", """
            internal sealed class E
            {
                private readonly ScopedLock _gate = new(AllocationRestrictions.NoFs);
                internal E() => _gate = new ScopedLock(AllocationRestrictions.None);
                internal void Put() { using (_gate.Enter()) Write(1, AllocationFlags.NoFs); }
                private static void Write(int n, AllocationFlags f) => Program.Allocate(n, f);
            }
            """ },
        { "guard left between entry and try", "Use();", """
            private static void Use()
            {
                ThreadScope scope = AllocationScope.NoFs();
                scope.Dispose();
                try { Put(1, AllocationFlags.NoFs); } finally { scope.Dispose(); }
            }
            private static void Put(int n, AllocationFlags f) => Allocate(n, f);
            """, "" },
        { "guard left by ref", "Use();", """
            private static void Use()
            {
                ThreadScope scope = AllocationScope.NoFs();
                try { Leave(ref scope); Put(1, AllocationFlags.NoFs); } finally { scope.Dispose(); }
            }
            private static void Leave(ref ThreadScope scope) => scope.Dispose();
            private static void Put(int n, AllocationFlags f) => Allocate(n, f);
            """, "" },
        { "code below that is known", "Store.Put(3, AllocationFlags.NoFs);", "", """
            internal static class Store
            {
                private static readonly List<int> s_sizes = new();
                private static readonly object s_gate = new();
                private static int s_count;

                internal static void Put(int bytes, AllocationFlags flags)
                {
                    if (bytes <= 0) throw new ArgumentOutOfRangeException(nameof(bytes), "must be positive");
                    lock (s_gate)
                    {
                        s_sizes.Add(bytes);
                        foreach (int size in s_sizes) s_count += size;
                    }

                    var entry = new Entry(bytes) { Name = $"{bytes}, {s_count}" };
                    for (int at = 0; at < entry.Size; at++) Program.Allocate(at, flags);
                    Program.s_log.Add(entry.Name ?? "none");
                    if (s_count < 0) throw new StoreException("too few");
                    Program.Allocate(Rounded(bytes), flags);
                }

                private static int Rounded(int bytes)
                {
                    return Up(Math.Max(bytes, 4));
                    static int Up(int n) => n + 1;
                }
            }

            internal sealed class StoreException : Exception
            {
                internal StoreException(string message) : base(message) { }
            }

            internal sealed class Entry
            {
                private readonly int _size;
                internal Entry(int size) => _size = size;
                internal string? Name { get; init; }
                internal int Size => _size;
            }
            """ },
        { "filter that only looks", "try { Write(1, AllocationFlags.NoFs); } catch (Exception e) when (e is ArgumentException or InvalidOperationException) { }",
            Write, "" },
        { "public method of a sealed type", "s_store.Put(1, AllocationFlags.NoFs);",
            "private static readonly Store s_store = new();",
            "internal sealed class Store { public void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags); }" },
        { "neighbours with directives between", """
            Write(1, AllocationFlags.NoFs);
            #if !NEVER
            Write(2, AllocationFlags.NoFs);
            #endif
            Write(3, AllocationFlags.NoFs);
            """, Write, "" },
        { "generic type in a declaration", "var made = Make(1, AllocationFlags.NoFs); s_log.Add(\"\" + made.Count);",
            "private static List<KeyValuePair<string, int?[]>> Make(int n, AllocationFlags flags) { Allocate(n, flags); return new(); }", "" },
    };

    [Theory, MemberData(nameof(Shapes))]
    public async Task A_shape_is_converted_and_does_the_same(string shape, string run, string members, string types)
    {
        CodeUnderTest code = ProgramUnderTest.Of(run, members, types);
        string before = await ProgramUnderTest.RunAsync(code);
        Assert.All(await code.AnalyzeAsync(), found => Assert.DoesNotContain("(no fix", found.GetMessage(), StringComparison.Ordinal));

        await code.FixAllAsync(new HandedThroughFlagsFix());

        string text = await code.TextAsync();
        Assert.True(text.Contains("Scope.NoFs())", StringComparison.Ordinal), shape);
        Assert.Empty(await code.AnalyzeAsync());
        Assert.Equal(before, await ProgramUnderTest.RunAsync(code));
    }
}
