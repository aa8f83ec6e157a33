using System.Reflection;
using System.Runtime.CompilerServices;
using Allot.Bpf;
using Allot.Processes;

namespace Allot.Tests.Repository;

/// <summary>In C# a folder is not a wall unless a test makes it one: a layer of a project uses only the ones above it in
/// the list of the project's README.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, Assembly> s_assemblies = new()
    {
        ["src/Allot"] = typeof(MemoryGroup).Assembly,
        ["src/Allot.Bpf"] = typeof(BpfProgram).Assembly,
        ["src/Allot.Processes"] = typeof(ProcessGroup).Assembly,
    };

    public static TheoryData<string> Projects => [.. s_assemblies.Keys];

    [Theory, MemberData(nameof(Projects))]
    public void Every_folder_is_in_the_layer_list_and_every_layer_is_a_folder(string project)
    {
        IEnumerable<string> folders = Layers.SourcesOf(project).Select(file => file.Folder).Distinct();
        IEnumerable<string> listed = Layers.FoldersOfReadme(project);
        Assert.Equal(folders.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Projects))]
    public void Every_type_of_the_assembly_has_its_layer(string project)
    {
        var layers = Layers.Of(project);
        Assert.NotEmpty(TypesOf(project));
        Assert.All(TypesOf(project), type => Assert.True(layers.Knows(type), $"{type} has no layer."));
    }

    [Theory, MemberData(nameof(Projects))]
    public void No_source_names_a_type_of_a_higher_layer(string project)
    {
        var layers = Layers.Of(project);
        Assert.NotEmpty(Layers.SourcesOf(project));
        Assert.Empty(Layers.SourcesOf(project).SelectMany(file => layers.UpwardNames(file.Folder, file.Source)));
    }

    [Theory, MemberData(nameof(Projects))]
    public void No_compiled_type_refers_to_a_higher_layer(string project)
    {
        var layers = Layers.Of(project);
        Assert.Empty(TypesOf(project).SelectMany(layers.UpwardReferences));
    }

    [Fact]
    public void A_higher_type_that_a_source_names_is_found_unless_it_is_in_a_comment()
    {
        Assert.Equal(["Low names Upper, of High"], Sample().UpwardNames("Low", "long max = Upper.Constant;"));
        Assert.Equal(["Low names Upper, of High"], Sample().UpwardNames("Low", "string s = $\"{Upper.Constant} x\";"));
        Assert.Empty(Sample().UpwardNames("Low", "/// <see cref=\"Upper\"/>\nstring s = \"Upper\"; // Upper\n"));
        Assert.Empty(Sample().UpwardNames("High", "Lower lower;"));
    }

    [Fact]
    public void A_higher_type_that_only_an_extension_call_or_a_lambda_uses_is_found()
    {
        Assert.Equal(["Lower refers to Upper, of High"], Sample().UpwardReferences(typeof(Lower)));
        Assert.Equal(["LowerWithLambda refers to Upper, of High"], Sample().UpwardReferences(typeof(LowerWithLambda)));
        Assert.Empty(Sample().UpwardReferences(typeof(Upper)));
    }

    private static Layers Sample() => new(
        ["Low", "High"],
        [("Low", "class Lower { }\nsealed class LowerWithLambda { }"), ("High", "static class Upper { }")]);

    private static IEnumerable<Type> TypesOf(string project) => s_assemblies[project].GetTypes().Where(type =>
        type is { IsNested: false, Namespace: not null }
        && type.Namespace.StartsWith("Allot", StringComparison.Ordinal)
        && !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false));
}

/// <summary>Samples of what the tests must see through.</summary>
internal sealed class Lower
{
    public long Use() => 5L.Twice();
}

internal sealed class LowerWithLambda
{
    public Func<long, long> Use() => number => number.Twice();
}

internal static class Upper
{
    public const long Constant = 1;

    extension(long number)
    {
        public long Twice() => 2 * number;
    }
}
