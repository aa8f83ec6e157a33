using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>Shapes of code that an adversary has tried on the conversion from flags to scopes: where it is done, the
/// code compiles and every allocation has the same permissions as before.</summary>
public sealed class ConversionBreakTests
{
    private const string Frame = """
        public static class Program
        {
            internal static readonly List<string> s_log = new();
            public static async Task<string> Run()
            {
                await Task.CompletedTask;
                RUN
                return string.Join("\n", s_log);
            }
            internal static int Allocate(int bytes, AllocationFlags flags)
            {
                lock (s_log) s_log.Add($"{bytes}: {AllocationContext.Apply(flags)}");
                return bytes;
            }
            MEMBERS
        }
        TYPES
        """;

    private const string Write =
        "internal static int Write(int bytes, AllocationFlags flags) => Allocate(bytes, flags);\n";

    public static TheoryData<string, string, string, string> Shapes => new()
    {
        { "property getter in arguments", "Write(Lazy, AllocationFlags.NoFs);",
            Write + "private static int Lazy => Allocate(7, AllocationFlags.Kernel);", "" },
        { "property of the receiver", "Store.Instance.Put(1, AllocationFlags.NoFs);", "", """
            internal sealed class Store
            {
                private static Store? s_instance;
                internal static Store Instance => s_instance ??= Load();
                private static Store Load() { Program.Allocate(9, AllocationFlags.Kernel); return new Store(); }
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
            }
            """ },
        { "property setter", "Total = Write(1, AllocationFlags.NoFs);",
            Write + "private static int Total { set => Allocate(value + 1, AllocationFlags.Kernel); }", "" },
        { "indexer", "var t = new Table(); Write(t[3], AllocationFlags.NoFs);", Write,
            "internal sealed class Table { internal int this[int i] => Program.Allocate(i, AllocationFlags.Kernel); }" },
        { "compound operator", "var m = new Sum(); m += Write(1, AllocationFlags.NoFs);", Write, """
            internal struct Sum
            {
                public static Sum operator +(Sum a, int b) { Program.Allocate(b + 1, AllocationFlags.Kernel); return a; }
            }
            """ },
        { "interpolation", "string s = $\"{new Text()}{Write(1, AllocationFlags.NoFs)}\"; s_log.Add(s);", Write,
            "internal struct Text { public override string ToString() { Program.Allocate(5, AllocationFlags.Kernel); return \"t\"; } }" },
        { "field initializer of new", "new Holder().Put(1, AllocationFlags.NoFs);", "", """
            internal sealed class Holder
            {
                private readonly int _own = Program.Allocate(8, AllocationFlags.Kernel);
                internal int Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes + _own, flags);
            }
            """ },
        { "object initializer", "var b = new Box { Size = Write(1, AllocationFlags.NoFs) }; s_log.Add(\"\" + b);", Write,
            "internal sealed class Box { internal int Size { set => Program.Allocate(value + 1, AllocationFlags.Kernel); } public override string ToString() => \"b\"; }" },
        { "deconstruction", "int a, b; (a, b) = Pair(1, AllocationFlags.NoFs); s_log.Add($\"{a}{b}\");",
            "private static P Pair(int n, AllocationFlags flags) { Allocate(n, flags); return new P(); }",
            "internal sealed class P { internal void Deconstruct(out int a, out int b) { a = Program.Allocate(4, AllocationFlags.Kernel); b = 2; } }" },
        { "named arguments in another order",
            "int n = Write(bytes: 1, flags: AllocationFlags.NoFs) + Write(flags: AllocationFlags.NoIo, bytes: 2); s_log.Add(\"\" + n);",
            Write, "" },
        { "named arguments in another order, Kernel",
            "int n = Write(bytes: 1, flags: AllocationFlags.NoFs) + Write(flags: AllocationFlags.Kernel, bytes: 2); s_log.Add(\"\" + n);",
            Write, "" },
        { "collection initializer", "var c = new Bag { { 1, AllocationFlags.NoFs } }; s_log.Add(\"\" + c.Count());", "", """
            internal sealed class Bag : System.Collections.IEnumerable
            {
                internal void Add(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
                internal int Count() => 0;
                public System.Collections.IEnumerator GetEnumerator() => Array.Empty<int>().GetEnumerator();
            }
            """ },
        { "pattern-based dispose", "Use();", "private static void Use() { using var r = new Ref(); s_log.Add(\"in\"); }", """
            internal ref struct Ref
            {
                public void Dispose(AllocationFlags flags = AllocationFlags.NoFs) => Program.Allocate(1, flags);
            }
            """ },
        { "pattern-based await using", "await using (var r = new Res()) s_log.Add(\"in\");", "", """
            internal sealed class Res
            {
                internal ValueTask DisposeAsync(AllocationFlags flags = AllocationFlags.NoFs)
                {
                    Program.Allocate(1, flags);
                    return default;
                }
            }
            """ },
        { "pattern-based foreach", "foreach (int i in new Seq()) s_log.Add(\"\" + i);", "", """
            internal sealed class Seq
            {
            }
            internal static class SeqOf
            {
                internal static List<int>.Enumerator GetEnumerator(this Seq seq, AllocationFlags flags = AllocationFlags.NoFs) =>
                    Make(flags);
                private static List<int>.Enumerator Make(AllocationFlags flags)
                {
                    Program.Allocate(1, flags);
                    return new List<int> { 1 }.GetEnumerator();
                }
            }
            """ },
        { "interface through a derived class", "IPut p = new Derived(); p.Put(1, AllocationFlags.NoFs);", "", """
            internal interface IPut { void Put(int bytes, AllocationFlags flags); }
            internal class Base { public void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags); }
            internal sealed class Derived : Base, IPut { }
            """ },
        { "overload that others call, named", "new O().Put(bytes: 1, flags: AllocationFlags.NoFs); new O().Put(5);", "", """
            internal sealed class O
            {
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
                internal void Put(long count) => Program.s_log.Add("long " + count);
            }
            """ },
        { "overload, uncalled", "new O().Put(5);", "", """
            internal sealed class O
            {
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
                internal void Put(long count) => Program.s_log.Add("long " + count);
            }
            """ },
        { "overload in a base class, named", "new D().Put(bytes: 1, flags: AllocationFlags.NoFs); new D().Put(5);", "", """
            internal class B { internal void Put(int count) => Program.s_log.Add("base " + count); }
            internal sealed class D : B
            {
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
            }
            """ },
        { "extension hidden, named", "new C().Put(bytes: 1, flags: AllocationFlags.NoFs); new C().Put(5);", "", """
            internal sealed class C { internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags); }
            internal static class X { internal static void Put(this C c, int count) => Program.s_log.Add("ext " + count); }
            """ },
        { "dispose below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                using var t = new T();
                Allocate(n, flags);
            }
            """, "internal sealed class T : IDisposable { public void Dispose() => Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "operator below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                var s = new Sum() + 3;
                Allocate(n, flags);
                s_log.Add("" + s);
            }
            """, "internal struct Sum { public static Sum operator +(Sum a, int b) { Program.Allocate(b, AllocationFlags.Kernel); return a; } public override string ToString() => \"s\"; }" },
        { "conversion below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                Sum s = 3;
                Allocate(n, flags);
                s_log.Add("" + s);
            }
            """, "internal struct Sum { public static implicit operator Sum(int b) { Program.Allocate(b, AllocationFlags.Kernel); return default; } public override string ToString() => \"s\"; }" },
        { "foreach below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                foreach (int i in new Seq()) Allocate(n + i, flags);
            }
            """, """
            internal sealed class Seq
            {
                public IEnumerator<int> GetEnumerator() { Program.Allocate(3, AllocationFlags.Kernel); yield return 1; }
            }
            """ },
        { "field initializer below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                var t = new T();
                Allocate(n + t.Own, flags);
            }
            """, "internal sealed class T { internal readonly int Own = Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "static constructor below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags) => Allocate(n + T.Own, flags);
            """, "internal static class T { internal static int Own; static T() => Own = Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "event below", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                Changed += () => { };
                Allocate(n, flags);
            }
            private static event Action Changed { add { Allocate(6, AllocationFlags.Kernel); } remove { } }
            """, "" },
        { "generic of an anonymous type", "var list = Make(new { X = 1 }, AllocationFlags.NoFs); s_log.Add(\"\" + list.Count);",
            "private static List<T> Make<T>(T item, AllocationFlags flags) { Allocate(1, flags); return new List<T> { item }; }", "" },
        { "caller argument expression", "Put(1, AllocationFlags.NoFs);", "private static void Put(int n, AllocationFlags f, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(f))] string? s = null) { Allocate(n, f); s_log.Add(\"\" + s); }", "" },
        { "method group of an overload", "Action<string> a = Put; a(\"x\"); Put(s: \"y\", f: AllocationFlags.NoFs);", "private static void Put(string s, AllocationFlags f) => Allocate(s.Length, f); private static void Put(object o) => s_log.Add(\"object\");", "" },
        { "suppressed flow", "await PutAsync(1, AllocationFlags.NoFs);", """
            private static async Task PutAsync(int n, AllocationFlags f)
            {
                Task<int> t;
                using (ExecutionContext.SuppressFlow()) t = InnerAsync(n, f);
                await t;
            }
            private static async Task<int> InnerAsync(int n, AllocationFlags f) { await Task.Yield(); return Allocate(n, f); }
            """, "" },
        { "exception filter", "try { Throw(1, AllocationFlags.NoFs); } catch (InvalidOperationException) when (Filter()) { Allocate(2, AllocationFlags.Kernel); }", "private static bool Filter() { Allocate(5, AllocationFlags.Kernel); return true; } private static void Throw(int n, AllocationFlags f) { Allocate(n, f); throw new InvalidOperationException(); }", "" },
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
        { "flags of a readonly field below", "Put(1, AllocationFlags.NoFs);", "private static readonly AllocationFlags s_all = AllocationFlags.Kernel; private static void Put(int n, AllocationFlags f) { Allocate(n, f); Allocate(n + 1, s_all); }", "" },
        { "flags of a property below", "Put(1, AllocationFlags.NoFs);", "private static AllocationFlags All => AllocationFlags.Kernel; private static void Put(int n, AllocationFlags f) { Allocate(n, f); Other(n); } private static void Other(int n) => Allocate(n + 1, All);", "" },
        { "user-defined increment", "new Sum(); var x = new Sum(); int n = Write(1, AllocationFlags.NoFs) + (x++).N; s_log.Add(\"\" + n);", Write, "internal struct Sum { internal int N; public static Sum operator ++(Sum a) { Program.Allocate(6, AllocationFlags.Kernel); return a; } }" },
        { "list pattern", "var t = new Table(); bool b = Write(1, AllocationFlags.NoFs) == 1 && t is { Count: 3 }; s_log.Add(\"\" + b);", Write, "internal sealed class Table { internal int Count => Program.Allocate(3, AllocationFlags.Kernel); }" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task The_program_does_the_same(string shape, string run, string members, string types)
    {
        Assert.NotEmpty(shape);
        string source = "using System.Linq;\n" + Frame.Replace("RUN", run, StringComparison.Ordinal)
            .Replace("MEMBERS", members, StringComparison.Ordinal)
            .Replace("TYPES", types, StringComparison.Ordinal);
        var code = new CodeUnderTest(new HandedThroughFlagsAnalyzer(), source);
        ImmutableArray<Diagnostic> found = await code.AnalyzeAsync();
        string before = await RunAsync(code);
        if (!found.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Warning)) return;   // no fix is right too
        await code.FixAllAsync(new HandedThroughFlagsFix());
        Assert.Equal(before, await RunAsync(code));
    }

    private static async Task<string> RunAsync(CodeUnderTest code)
    {
        Compilation compilation = (await code.Solution.GetProject(code.Project)!.GetCompilationAsync())!;
        using var image = new MemoryStream();
        var result = compilation.Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics));
        image.Position = 0;
        var context = new AssemblyLoadContext(name: null, isCollectible: true);
        MethodInfo run = context.LoadFromStream(image).GetType("Program")!.GetMethod("Run")!;
        return await (Task<string>)run.Invoke(obj: null, parameters: null)!;
    }
}
