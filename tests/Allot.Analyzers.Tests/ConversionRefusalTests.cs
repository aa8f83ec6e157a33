using Microsoft.CodeAnalysis;

namespace Allot.Analyzers.Tests;

/// <summary>ALLOT002: shapes of programs in which the conversion would change what is permitted to an allocation, call
/// another method or not compile, or might: nothing is offered, and the message says why.</summary>
public sealed class ConversionRefusalTests
{
    private const string Write = ProgramUnderTest.Write;

    public static TheoryData<string, string, string, string, string> Shapes => new()
    {
        { "property getter in arguments",
            "'Lazy' in 'Run' would be inside of the scope too",
            "Write(Lazy, AllocationFlags.NoFs);",
            Write + "private static int Lazy => Allocate(7, AllocationFlags.Kernel);", "" },
        { "property of the receiver",
            "'Instance' in 'Run' would be inside of the scope too",
            "Store.Instance.Put(1, AllocationFlags.NoFs);", "", """
            internal sealed class Store
            {
                private static Store? s_instance;
                internal static Store Instance => s_instance ??= Load();
                private static Store Load() { Program.Allocate(9, AllocationFlags.Kernel); return new Store(); }
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
            }
            """ },
        { "property setter",
            "'Total' in 'Run' would be inside of the scope too",
            "Total = Write(1, AllocationFlags.NoFs);",
            Write + "private static int Total { set => Allocate(value + 1, AllocationFlags.Kernel); }", "" },
        { "indexer",
            "'this[]' in 'Run' would be inside of the scope too",
            "var t = new Table(); Write(t[3], AllocationFlags.NoFs);", Write,
            "internal sealed class Table { internal int this[int i] => Program.Allocate(i, AllocationFlags.Kernel); }" },
        { "compound operator",
            "'op_Addition' in 'Run' would be inside of the scope too",
            "var m = new Sum(); m += Write(1, AllocationFlags.NoFs);", Write, """
            internal struct Sum
            {
                public static Sum operator +(Sum a, int b) { Program.Allocate(b + 1, AllocationFlags.Kernel); return a; }
            }
            """ },
        { "interpolation",
            "'{new Text()}' in 'Run' would be inside of the scope too",
            "string s = $\"{new Text()}{Write(1, AllocationFlags.NoFs)}\"; s_log.Add(s);", Write,
            "internal struct Text { public override string ToString() { Program.Allocate(5, AllocationFlags.Kernel); return \"t\"; } }" },
        { "field initializer of new",
            "'Holder' in 'Run' would be inside of the scope too",
            "new Holder().Put(1, AllocationFlags.NoFs);", "", """
            internal sealed class Holder
            {
                private readonly int _own = Program.Allocate(8, AllocationFlags.Kernel);
                internal int Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes + _own, flags);
            }
            """ },
        { "object initializer",
            "'Box' in 'Run' would be inside of the scope too",
            "var b = new Box { Size = Write(1, AllocationFlags.NoFs) }; s_log.Add(\"\" + b);", Write,
            "internal sealed class Box { internal int Size { set => Program.Allocate(value + 1, AllocationFlags.Kernel); } public override string ToString() => \"b\"; }" },
        { "deconstruction",
            "'(a, b) = Pair(1, AllocationFlags.NoFs)' in 'Run' would be inside of the scope too",
            "int a, b; (a, b) = Pair(1, AllocationFlags.NoFs); s_log.Add($\"{a}{b}\");",
            "private static P Pair(int n, AllocationFlags flags) { Allocate(n, flags); return new P(); }",
            "internal sealed class P { internal void Deconstruct(out int a, out int b) { a = Program.Allocate(4, AllocationFlags.Kernel); b = 2; } }" },
        { "named arguments in another order",
            "'Write' in 'Run' would be inside of the scope too",
            "int n = Write(bytes: 1, flags: AllocationFlags.NoFs) + Write(flags: AllocationFlags.NoIo, bytes: 2); s_log.Add(\"\" + n);",
            Write, "" },
        { "named arguments in another order, Kernel",
            "'Write' in 'Run' would be inside of the scope too",
            "int n = Write(bytes: 1, flags: AllocationFlags.NoFs) + Write(flags: AllocationFlags.Kernel, bytes: 2); s_log.Add(\"\" + n);",
            Write, "" },
        { "collection initializer",
            "the language calls methods of its name by itself",
            "var c = new Bag { { 1, AllocationFlags.NoFs } }; s_log.Add(\"\" + c.Count());", "", """
            internal sealed class Bag : System.Collections.IEnumerable
            {
                internal void Add(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
                internal int Count() => 0;
                public System.Collections.IEnumerator GetEnumerator() => Array.Empty<int>().GetEnumerator();
            }
            """ },
        { "pattern-based dispose",
            "the language calls methods of its name by itself",
            "Use();", "private static void Use() { using var r = new Ref(); s_log.Add(\"in\"); }", """
            internal ref struct Ref
            {
                public void Dispose(AllocationFlags flags = AllocationFlags.NoFs) => Program.Allocate(1, flags);
            }
            """ },
        { "pattern-based await using",
            "the language calls methods of its name by itself",
            "await using (var r = new Res()) s_log.Add(\"in\");", "", """
            internal sealed class Res
            {
                internal ValueTask DisposeAsync(AllocationFlags flags = AllocationFlags.NoFs)
                {
                    Program.Allocate(1, flags);
                    return default;
                }
            }
            """ },
        { "pattern-based foreach",
            "the language calls methods of its name by itself",
            "foreach (int i in new Seq()) s_log.Add(\"\" + i);", "", """
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
        { "interface through a derived class",
            "it is public, and a type derived from 'Base' may implement an interface with it",
            "IPut p = new Derived(); p.Put(1, AllocationFlags.NoFs);", "", """
            internal interface IPut { void Put(int bytes, AllocationFlags flags); }
            internal class Base { public void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags); }
            internal sealed class Derived : Base, IPut { }
            """ },
        { "overload that others call, named",
            "there is another method 'Put'",
            "new O().Put(bytes: 1, flags: AllocationFlags.NoFs); new O().Put(5);", "", """
            internal sealed class O
            {
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
                internal void Put(long count) => Program.s_log.Add("long " + count);
            }
            """ },
        { "overload, uncalled",
            "there is another method 'Put'",
            "new O().Put(5);", "", """
            internal sealed class O
            {
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
                internal void Put(long count) => Program.s_log.Add("long " + count);
            }
            """ },
        { "overload in a base class, named",
            "there is another method 'Put'",
            "new D().Put(bytes: 1, flags: AllocationFlags.NoFs); new D().Put(5);", "", """
            internal class B { internal void Put(int count) => Program.s_log.Add("base " + count); }
            internal sealed class D : B
            {
                internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
            }
            """ },
        { "extension hidden, named",
            "there is another method 'Put'",
            "new C().Put(bytes: 1, flags: AllocationFlags.NoFs); new C().Put(5);", "", """
            internal sealed class C { internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags); }
            internal static class X { internal static void Put(this C c, int count) => Program.s_log.Add("ext " + count); }
            """ },
        { "dispose below",
            "'Write' also runs 'using', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                using var t = new T();
                Allocate(n, flags);
            }
            """, "internal sealed class T : IDisposable { public void Dispose() => Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "operator below",
            "'Write' also runs 'op_Addition', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                var s = new Sum() + 3;
                Allocate(n, flags);
                s_log.Add("" + s);
            }
            """, "internal struct Sum { public static Sum operator +(Sum a, int b) { Program.Allocate(b, AllocationFlags.Kernel); return a; } public override string ToString() => \"s\"; }" },
        { "conversion below",
            "'Write' also runs 'op_Implicit', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                Sum s = 3;
                Allocate(n, flags);
                s_log.Add("" + s);
            }
            """, "internal struct Sum { public static implicit operator Sum(int b) { Program.Allocate(b, AllocationFlags.Kernel); return default; } public override string ToString() => \"s\"; }" },
        { "foreach below",
            "'Write' also runs 'foreach', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
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
        { "field initializer below",
            "'T' also runs 'Allocate', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                var t = new T();
                Allocate(n + t.Own, flags);
            }
            """, "internal sealed class T { internal readonly int Own = Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "static constructor below",
            "'T' also runs 'Allocate', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags) => Allocate(n + T.Own, flags);
            """, "internal static class T { internal static int Own; static T() => Own = Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "event below",
            "'Write' also runs 'Changed += () => { }', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                Changed += () => { };
                Allocate(n, flags);
            }
            private static event Action Changed { add { Allocate(6, AllocationFlags.Kernel); } remove { } }
            """, "" },
        { "generic of an anonymous type",
            "the call in 'Run' is no statement of its own",
            "var list = Make(new { X = 1 }, AllocationFlags.NoFs); s_log.Add(\"\" + list.Count);",
            "private static List<T> Make<T>(T item, AllocationFlags flags) { Allocate(1, flags); return new List<T> { item }; }", "" },
        { "caller argument expression",
            "it has attributes, which others may go by",
            "Put(1, AllocationFlags.NoFs);", "private static void Put(int n, AllocationFlags f, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(f))] string? s = null) { Allocate(n, f); s_log.Add(\"\" + s); }", "" },
        { "method group of an overload",
            "there is another method 'Put'",
            "Action<string> a = Put; a(\"x\"); Put(s: \"y\", f: AllocationFlags.NoFs);", "private static void Put(string s, AllocationFlags f) => Allocate(s.Length, f); private static void Put(object o) => s_log.Add(\"object\");", "" },
        { "suppressed flow",
            "scopes may not flow through it",
            "await PutAsync(1, AllocationFlags.NoFs);", """
            private static async Task PutAsync(int n, AllocationFlags f)
            {
                Task<int> t;
                using (ExecutionContext.SuppressFlow()) t = InnerAsync(n, f);
                await t;
            }
            private static async Task<int> InnerAsync(int n, AllocationFlags f) { await Task.Yield(); return Allocate(n, f); }
            """, "" },
        { "exception filter",
            "the exception filter in 'Run' may run inside of the scope",
            "try { Throw(1, AllocationFlags.NoFs); } catch (InvalidOperationException) when (Filter()) { Allocate(2, AllocationFlags.Kernel); }", "private static bool Filter() { Allocate(5, AllocationFlags.Kernel); return true; } private static void Throw(int n, AllocationFlags f) { Allocate(n, f); throw new InvalidOperationException(); }", "" },
        { "flags of a readonly field below",
            "'Put' also runs 'Allocate', which the scope may restrict too",
            "Put(1, AllocationFlags.NoFs);", "private static readonly AllocationFlags s_all = AllocationFlags.Kernel; private static void Put(int n, AllocationFlags f) { Allocate(n, f); Allocate(n + 1, s_all); }", "" },
        { "flags of a property below",
            "'Other' also runs 'Allocate', which the scope may restrict too",
            "Put(1, AllocationFlags.NoFs);", "private static AllocationFlags All => AllocationFlags.Kernel; private static void Put(int n, AllocationFlags f) { Allocate(n, f); Other(n); } private static void Other(int n) => Allocate(n + 1, All);", "" },
        { "user-defined increment",
            "'op_Increment' in 'Run' would be inside of the scope too",
            "new Sum(); var x = new Sum(); int n = Write(1, AllocationFlags.NoFs) + (x++).N; s_log.Add(\"\" + n);", Write, "internal struct Sum { internal int N; public static Sum operator ++(Sum a) { Program.Allocate(6, AllocationFlags.Kernel); return a; } }" },
        { "list pattern",
            "'{ Count: 3 }' in 'Run' would be inside of the scope too",
            "var t = new Table(); bool b = Write(1, AllocationFlags.NoFs) == 1 && t is { Count: 3 }; s_log.Add(\"\" + b);", Write, "internal sealed class Table { internal int Count => Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "call in a task that is awaited",
            "the scope of a thread cannot be entered in 'Run', which is asynchronous",
            "int n = await Task.FromResult(Write(1, AllocationFlags.NoFs)); s_log.Add(\"\" + n);", Write, "" },
        { "extension of the framework",
            "there is another method 'Append'",
            "var c = new Seq(); c.Append(1, AllocationFlags.NoFs); c.Append(5);", "", """
            internal sealed class Seq : List<int>
            {
                internal void Append(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags);
            }
            """ },
        { "memory whose manager is of the project", "'Write' also runs 'Span', which the scope may restrict too",
            "Memory<byte> m = new byte[1]; Write(1, AllocationFlags.NoFs, m);",
            "private static void Write(int n, AllocationFlags flags, Memory<byte> m) => Allocate(n + m.Span.Length, flags);", "" },
        { "flags of the method around a filter",
            "the exception filter in 'Save' may run inside of the scope",
            "Save(AllocationFlags.Kernel, AllocationFlags.Kernel);", """
            private static void Save(AllocationFlags one, AllocationFlags two)
            {
                try { Throw(1, AllocationFlags.NoFs); }
                catch (InvalidOperationException) when (Allocate(5, one) > 0) { Allocate(6, two); }
            }
            private static void Throw(int n, AllocationFlags f) { Allocate(n, f); throw new InvalidOperationException(); }
            """, "" },
        { "text with the name",
            "a text is its name, by which it may be called",
            "Write(1, AllocationFlags.NoFs); s_log.Add(\"Write\");", Write, "" },
        { "name of the name",
            "it is named where it is not called",
            "Write(1, AllocationFlags.NoFs); s_log.Add(nameof(Write));", Write, "" },
        { "dynamic call",
            "its name is used in a way that is not understood",
            "dynamic d = new D(); d.Put(5, AllocationFlags.NoFs);", "",
            "internal sealed class D { internal void Put(int bytes, AllocationFlags flags) => Program.Allocate(bytes, flags); }" },
        { "delegate below",
            "'Write' also runs 'Invoke', which the scope may restrict too",
            "Action later = Later; Write(1, AllocationFlags.NoFs, later);", """
            private static void Later() => Allocate(2, AllocationFlags.Kernel);
            private static void Write(int n, AllocationFlags flags, Action also) { Allocate(n, flags); also(); }
            """, "" },
        { "callback of the framework below",
            "'Write' also runs 'List', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags) { var l = new List<int>(new Seq()); Allocate(n + l.Count, flags); }
            """, """
            internal sealed class Seq : IEnumerable<int>
            {
                public IEnumerator<int> GetEnumerator() { Program.Allocate(3, AllocationFlags.Kernel); yield return 1; }
                System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
            }
            """ },
        { "iterator below",
            "'Later' also runs 'yield', which the scope may restrict too",
            "IEnumerable<int> later = Write(1, AllocationFlags.NoFs); foreach (int i in later) { }", """
            private static IEnumerable<int> Write(int n, AllocationFlags flags) { Allocate(n, flags); return Later(); }
            private static IEnumerable<int> Later() { yield return 1; Allocate(2, AllocationFlags.Kernel); }
            """, "" },
        { "flags that change below",
            "'Change' does not go by the context alone",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags) => Change(n, flags);
            private static void Change(int n, AllocationFlags flags) { flags |= AllocationFlags.FileSystem; Allocate(n, flags); }
            """, "" },
        { "constructor below", "'T' also runs 'Allocate', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);",
            "private static void Write(int n, AllocationFlags flags) { _ = new T(); Allocate(n, flags); }",
            "internal sealed class T { internal T() => Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "constructor of a record below", "what 'T' does is not known",
            "Write(1, AllocationFlags.NoFs);",
            "private static void Write(int n, AllocationFlags flags) { _ = new T(3); Allocate(n, flags); }",
            "internal sealed record T(int N) { internal int Own = Program.Allocate(3, AllocationFlags.Kernel); }" },
        { "base constructor below", "what 'T' does is not known",
            "Write(1, AllocationFlags.NoFs);",
            "private static void Write(int n, AllocationFlags flags) { _ = new T(); Allocate(n, flags); }",
            "internal class B { internal B() => Program.Allocate(3, AllocationFlags.Kernel); } internal sealed class T : B { }" },
        { "expression property below", "'get_Size' also runs 'Allocate', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags) => Allocate(n + Size, flags);
            private static int Size => Allocate(3, AllocationFlags.Kernel);
            """, "" },
        { "local function below", "'Local' also runs 'Allocate', which the scope may restrict too",
            "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                Allocate(n, flags);
                Local();
                void Local() => Allocate(3, AllocationFlags.Kernel);
            }
            """, "" },
        { "tuple conversion below", "'Write' also runs 'pair'", "Write(1, AllocationFlags.NoFs);", """
            private static void Write(int n, AllocationFlags flags)
            {
                var pair = (n, n);
                (Sum, int) t = pair;
                Allocate(t.Item2, flags);
            }
            """, "internal struct Sum { public static implicit operator Sum(int b) { Program.Allocate(b + 1, AllocationFlags.Kernel); return default; } }" },
        { "interpolation below", "'{new Text()}'", "Write(1, AllocationFlags.NoFs);",
            "private static void Write(int n, AllocationFlags flags) { s_log.Add($\"{new Text()}\"); Allocate(n, flags); }",
            "internal struct Text { public override string ToString() { Program.Allocate(5, AllocationFlags.Kernel); return \"t\"; } }" },
        { "virtual call below", "'ToString'", "Write(1, AllocationFlags.NoFs);",
            "private static void Write(int n, AllocationFlags flags) { object t = new Text(); s_log.Add(t.ToString()!); Allocate(n, flags); }",
            "internal sealed class Text { public override string ToString() { Program.Allocate(5, AllocationFlags.Kernel); return \"t\"; } }" },
        { "text of a sum below", "'\"\" + new Text()'", "Write(1, AllocationFlags.NoFs);",
            "private static void Write(int n, AllocationFlags flags) { s_log.Add(\"\" + new Text()); Allocate(n, flags); }",
            "internal struct Text { public override string ToString() { Program.Allocate(5, AllocationFlags.Kernel); return \"t\"; } }" },
    };

    [Theory, MemberData(nameof(Shapes))]
    public async Task A_shape_is_refused_with_the_reason(
        string shape, string reason, string run, string members, string types)
    {
        CodeUnderTest code = ProgramUnderTest.Of(run, members, types);
        Diagnostic[] found = [.. await code.AnalyzeAsync()];
        Assert.All(found, diagnostic => Assert.True(diagnostic.Severity == DiagnosticSeverity.Info, shape));
        Assert.Contains(found, diagnostic => diagnostic.GetMessage().Contains(reason, StringComparison.Ordinal));
        foreach (Diagnostic diagnostic in found)
        {
            Assert.Empty(await code.FixesAsync(new HandedThroughFlagsFix(), diagnostic));
        }
    }
}
