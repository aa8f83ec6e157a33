using System.Reflection;
using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

/// <summary>The layers of a project: folders in the order of its README, and which type lives in which.</summary>
/// <remarks>Two ways to see a use. The names in a source show constants, which the compiler copies and the program no
/// longer refers to. The metadata shows extension methods, whose class no source has to name.</remarks>
internal sealed partial class Layers
{
    private readonly IReadOnlyList<string> _folders;
    private readonly Dictionary<string, int> _layerOf;

    public Layers(IReadOnlyList<string> folders, IEnumerable<(string Folder, string Source)> files)
    {
        _folders = folders;
        _layerOf = (from file in files
                    from type in CSharpText.DeclaredTypes(file.Source)
                    select (type, layer: LayerOfFolder(file.Folder)))
            .DistinctBy(pair => pair.type)
            .ToDictionary(pair => pair.type, pair => pair.layer);
    }

    public IEnumerable<string> Types => _layerOf.Keys;

    /// <summary>The layers of a project, such as <c>src/Allot</c>.</summary>
    public static Layers Of(string project) => new(FoldersOfReadme(project), SourcesOf(project));

    public static IReadOnlyList<string> FoldersOfReadme(string project) =>
    [
        .. RepositoryFiles.ReadLines($"{project}/README.md")
            .Select(line => TableRow().Match(line))
            .Where(match => match.Success)
            .Select(match => match.Groups["folder"].Value),
    ];

    public static IEnumerable<(string Folder, string Source)> SourcesOf(string project) =>
        from path in RepositoryFiles.With(".cs")
        where path.StartsWith($"{project}/", StringComparison.Ordinal)
        select (path.Split('/')[2], RepositoryFiles.Read(path));

    /// <summary>Names of types of a higher layer that stand in a source of a folder.</summary>
    public IEnumerable<string> UpwardNames(string folder, string source) =>
        from name in CSharpText.Identifiers(source).Order(StringComparer.Ordinal)
        where _layerOf.TryGetValue(name, out int layer) && layer > LayerOfFolder(folder)
        select $"{folder} names {name}, of {_folders[_layerOf[name]]}";

    /// <summary>Types of a higher layer that the compiled type refers to.</summary>
    public IEnumerable<string> UpwardReferences(Type type) =>
        from used in MetadataReferences.Of(type).Select(NameOf).Distinct().Order(StringComparer.Ordinal)
        where _layerOf.TryGetValue(used, out int layer) && layer > _layerOf[NameOf(type)]
        select $"{NameOf(type)} refers to {used}, of {_folders[_layerOf[used]]}";

    public bool Knows(Type type) => _layerOf.ContainsKey(NameOf(type));

    private int LayerOfFolder(string folder)
    {
        int layer = _folders.ToList().IndexOf(folder);
        return layer >= 0 ? layer : throw new InvalidOperationException($"'{folder}' is not in the layer list.");
    }

    private static string NameOf(MemberInfo type)
    {
        while (type.DeclaringType is not null) type = type.DeclaringType;
        return type.Name.Split('`')[0];
    }

    [GeneratedRegex(@"^\| `(?<folder>\w+)/` \|")]
    private static partial Regex TableRow();
}
