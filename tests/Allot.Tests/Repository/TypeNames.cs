using System.Reflection;

namespace Allot.Tests.Repository;

/// <summary>Types as C# writes them, with what may be null.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(char)] = "char",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    public static string Of(ParameterInfo parameter)
    {
        NullabilityInfo info = new NullabilityInfoContext().Create(parameter);
        return Of(parameter.ParameterType, parameter.IsOut ? info.ReadState : info.WriteState, info);
    }

    public static string Of(PropertyInfo property)
    {
        NullabilityInfo info = new NullabilityInfoContext().Create(property);
        return Of(property.PropertyType, info.ReadState, info);
    }

    public static string Of(FieldInfo field)
    {
        NullabilityInfo info = new NullabilityInfoContext().Create(field);
        return Of(field.FieldType, info.ReadState, info);
    }

    public static string Of(Type type)
    {
        if (type.IsByRef) return Of(type.GetElementType()!);
        if (type.IsArray) return $"{Of(type.GetElementType()!)}[]";
        if (type.IsPointer) return $"{Of(type.GetElementType()!)}*";
        if (Nullable.GetUnderlyingType(type) is { } value) return $"{Of(value)}?";
        return s_keywords.TryGetValue(type, out string? keyword) ? keyword : Simple(type);
    }

    /// <summary>The name without its namespace, with its type arguments.</summary>
    public static string Simple(Type type)
    {
        string name = type.Name.Split('`')[0];
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Of))}>" : name;
    }

    private static string Of(Type type, NullabilityState state, NullabilityInfo info)
    {
        bool isReference = !(type.IsByRef ? type.GetElementType()! : type).IsValueType;
        if (info.ElementType is { } element && type.IsArray)
        {
            string of = Of(element.Type, element.ReadState, element);
            return $"{of}[]{(state == NullabilityState.Nullable ? "?" : "")}";
        }

        return Of(type) + (isReference && state == NullabilityState.Nullable ? "?" : "");
    }
}
