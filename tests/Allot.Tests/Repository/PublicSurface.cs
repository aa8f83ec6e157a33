using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Allot.Tests.Repository;

/// <summary>The public surface of an assembly as text: types by name, members by name, extension blocks as
/// such.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static string Of(Assembly assembly) => Of(assembly.GetExportedTypes());

    public static string Of(IEnumerable<Type> types)
    {
        var text = new StringBuilder();
        IEnumerable<Type> written = types.Where(type => !IsMarker(type));
        foreach (Type type in written.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{Header(type)}\n");
            foreach (string member in Members(type)) text.Append(CultureInfo.InvariantCulture, $"    {member}\n");
            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Header(Type type)
    {
        if (IsDelegate(type)) return $"delegate {Method(type.GetMethod("Invoke")!, Name(type))}";
        string kind = type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly struct" : "struct")
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class" : "class";
        List<string> above = [];
        if (type.IsEnum) above.Add(TypeNames.Of(Enum.GetUnderlyingType(type)));
        bool hasParent = !type.IsValueType && type.BaseType is { } parent && parent != typeof(object);
        if (hasParent) above.Add(TypeNames.Of(type.BaseType!));
        if (!type.IsEnum) above.AddRange(type.GetInterfaces().Select(TypeNames.Of).Order(StringComparer.Ordinal));
        string name = $"{(type.Namespace is { } space ? space + "." : "")}{Name(type)}";
        return $"{kind} {name}{(above.Count > 0 ? " : " + string.Join(", ", above) : "")}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (IsDelegate(type)) return [];
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => $"{name} = {Enum.Format(type, Enum.Parse(type, name), "d")}");
        }

        MethodInfo[] methods = [.. type.GetMethods(Declared).Where(IsVisible).Where(method => !IsGenerated(method))];
        IEnumerable<string> members =
        [
            .. type.GetConstructors(Declared).Where(IsVisible).Select(constructor =>
                $"new({Parameters(constructor.GetParameters())})"),
            .. type.GetFields(Declared).Where(field => field.IsPublic).Select(Field),
            .. type.GetProperties(Declared).Where(property => property.GetAccessors().Length > 0).Select(Property),
            .. type.GetEvents(Declared).Select(e => $"event {TypeNames.Of(e.EventHandlerType!)} {e.Name}"),
            .. methods.Where(method => !method.IsSpecialName && !IsExtension(method) && !IsAccessor(method))
                .Select(method => Method(method, method.Name)),
        ];
        IEnumerable<string> extensions =
            from method in methods.Where(IsExtension)
            let receiver = method.GetParameters()[0]
            group method by TypeNames.Of(receiver) into block
            orderby block.Key
            from member in block.Select(method => Method(method, method.Name, skip: 1)).Order(StringComparer.Ordinal)
            select $"extension({block.Key}) {member}";
        extensions = extensions.Concat(ExtensionProperties(type, methods));
        return members.Order(StringComparer.Ordinal).Concat(extensions);
    }

    private static string Field(FieldInfo field)
    {
        string value = field.IsLiteral
            ? string.Create(CultureInfo.InvariantCulture, $" = {field.GetRawConstantValue()}")
            : "";
        string kind = field.IsLiteral ? "const " : field.IsStatic ? "static " : "";
        return $"{kind}{TypeNames.Of(field)} {field.Name}{value}";
    }

    private static string Property(PropertyInfo property)
    {
        MethodInfo any = property.GetAccessors()[0];
        string get = property.GetMethod?.IsPublic == true ? " get;" : "";
        string set = property.SetMethod is not { IsPublic: true } setter ? ""
            : setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;";
        return $"{(any.IsStatic ? "static " : "")}{TypeNames.Of(property)} {property.Name} {{{get}{set} }}";
    }

    // The compiler writes an extension property as static accessors of no property; a static one names no receiver.
    private static IEnumerable<string> ExtensionProperties(Type type, MethodInfo[] methods)
    {
        if (type.GetProperties(Declared).Length > 0) return [];
        return from getter in methods
               where getter.IsStatic && getter.Name.StartsWith("get_", StringComparison.Ordinal)
               let name = getter.Name["get_".Length..]
               let isStatic = getter.GetParameters().Length == 0
               let receiver = isStatic ? "static" : TypeNames.Of(getter.GetParameters()[0])
               let set = methods.Any(method => method.Name == "set_" + name) ? " set;" : ""
               orderby name
               select $"extension({receiver}) {TypeNames.Of(getter.ReturnParameter)} {name} {{ get;{set} }}";
    }

    private static string Method(MethodInfo method, string name, int skip = 0)
    {
        string generic = method.IsGenericMethod
            ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>"
            : "";
        string kind = method.IsStatic && skip == 0 ? "static "
            : method.GetBaseDefinition() != method ? "override " : "";
        string returned = TypeNames.Of(method.ReturnParameter);
        return $"{kind}{returned} {name}{generic}({Parameters(method.GetParameters().Skip(skip))})";
    }

    private static string Parameters(IEnumerable<ParameterInfo> parameters) =>
        string.Join(", ", parameters.Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string direction = !parameter.ParameterType.IsByRef ? ""
            : parameter.IsOut ? "out "
            : parameter.IsIn ? "in " : "ref ";
        string optional = !parameter.HasDefaultValue ? ""
            : string.Create(CultureInfo.InvariantCulture, $" = {parameter.RawDefaultValue ?? "null"}");
        return $"{direction}{TypeNames.Of(parameter)} {parameter.Name}{optional}";
    }

    private static string Name(Type type) =>
        type.DeclaringType is { } outer ? $"{Name(outer)}.{TypeNames.Simple(type)}" : TypeNames.Simple(type);

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // What the compiler writes for records: it follows from the header.
    private static bool IsGenerated(MethodInfo method) => method.IsDefined(typeof(CompilerGeneratedAttribute));

    private static bool IsExtension(MethodInfo method) => method.IsDefined(typeof(ExtensionAttribute));

    private static bool IsDelegate(Type type) => type.BaseType == typeof(MulticastDelegate);

    // Of an extension property: the others have a special name.
    private static bool IsAccessor(MethodInfo method) => method.IsStatic
        && (method.Name.StartsWith("get_", StringComparison.Ordinal)
            || method.Name.StartsWith("set_", StringComparison.Ordinal));

    // The compiler's own types for extension blocks.
    private static bool IsMarker(Type type) =>
        type.Name.Contains('<') || (type.DeclaringType is { } outer && IsMarker(outer));
}
