using System.Reflection;
using System.Reflection.Emit;

namespace Allot.Tests.Repository;

/// <summary>Every type that a compiled type refers to: in its shape, and in the bodies of its methods.</summary>
internal static class MetadataReferences
{
    private const BindingFlags Everything = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public
        | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_opCodes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>Every method that is called, or made a delegate of, in an assembly, and by which method.</summary>
    public static IEnumerable<(MethodBase Caller, MethodBase Callee)> CallsIn(Assembly assembly) =>
        from type in assembly.GetTypes()
        from caller in Methods(type)
        where caller.GetMethodBody() is not null
        from token in Tokens(caller.GetMethodBody()!.GetILAsByteArray()!)
        let callee = Resolve(caller, token) as MethodBase
        where callee is not null
        select (caller, callee);

    /// <summary>The whole numbers that stand in the code of a type; not -1 to 8, which have instructions of their
    /// own.</summary>
    public static IEnumerable<long> ConstantsIn(Type type) =>
        from method in Methods(type)
        where method.GetMethodBody() is not null
        let il = method.GetMethodBody()!.GetILAsByteArray()!
        from instruction in Instructions(il)
        where instruction.Code.OperandType is OperandType.ShortInlineI or OperandType.InlineI or OperandType.InlineI8
        select instruction.Code.OperandType switch
        {
            OperandType.ShortInlineI => (sbyte)il[instruction.Operand],
            OperandType.InlineI => BitConverter.ToInt32(il, instruction.Operand),
            _ => BitConverter.ToInt64(il, instruction.Operand),
        };

    public static IEnumerable<Type> Of(Type type) => Shallow(type).SelectMany(Parts).Distinct();

    private static IEnumerable<Type> Shallow(Type type)
    {
        if (type.BaseType is not null) yield return type.BaseType;
        foreach (Type implemented in type.GetInterfaces()) yield return implemented;
        foreach (FieldInfo field in type.GetFields(Everything)) yield return field.FieldType;
        foreach (MethodBase method in Methods(type))
        {
            foreach (Type used in OfMethod(method)) yield return used;
        }

        foreach (Type nested in type.GetNestedTypes(Everything))
        {
            foreach (Type used in Of(nested)) yield return used;
        }
    }

    private static IEnumerable<MethodBase> Methods(Type type) =>
        type.GetMethods(Everything).Concat<MethodBase>(type.GetConstructors(Everything));

    private static IEnumerable<Type> OfMethod(MethodBase method)
    {
        if (method is MethodInfo { ReturnType: { } returned }) yield return returned;
        foreach (ParameterInfo parameter in method.GetParameters()) yield return parameter.ParameterType;
        if (method.GetMethodBody() is not { } body) yield break;

        foreach (LocalVariableInfo local in body.LocalVariables) yield return local.LocalType;
        foreach (ExceptionHandlingClause clause in body.ExceptionHandlingClauses)
        {
            if (clause is { Flags: ExceptionHandlingClauseOptions.Clause, CatchType: { } caught }) yield return caught;
        }

        foreach (int token in Tokens(body.GetILAsByteArray()!))
        {
            foreach (Type used in OfMember(Resolve(method, token))) yield return used;
        }
    }

    private static IEnumerable<Type> OfMember(MemberInfo? member)
    {
        if (member is Type type) yield return type;
        if (member?.DeclaringType is { } declaring) yield return declaring;
        if (member is FieldInfo field) yield return field.FieldType;
        if (member is not MethodInfo method) yield break;
        yield return method.ReturnType;
        foreach (Type argument in method.GetGenericArguments()) yield return argument;
    }

    private static MemberInfo? Resolve(MethodBase method, int token)
    {
        Type[] ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : [];
        Type[] ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : [];
        return method.Module.ResolveMember(token, ofType, ofMethod);
    }

    // The operands of instructions that name a type, a field or a method.
    private static IEnumerable<int> Tokens(byte[] il) =>
        from instruction in Instructions(il)
        where instruction.Code.OperandType is OperandType.InlineField or OperandType.InlineMethod
            or OperandType.InlineType or OperandType.InlineTok
        select BitConverter.ToInt32(il, instruction.Operand);

    private static IEnumerable<(OpCode Code, int Operand)> Instructions(byte[] il)
    {
        for (int at = 0; at < il.Length;)
        {
            short value = il[at++];
            if (value == 0xFE) value = (short)(0xFE00 | il[at++]);
            OpCode code = s_opCodes[value];
            yield return (code, at);
            bool isSwitch = code.OperandType == OperandType.InlineSwitch;
            at += isSwitch ? 4 + (4 * BitConverter.ToInt32(il, at)) : OperandBytes(code.OperandType);
        }
    }

    private static int OperandBytes(OperandType type) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    // The pieces of arrays, references and generic types, and their outermost types.
    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        if (!type.IsGenericType) return [type];
        return [type.GetGenericTypeDefinition(), .. type.GetGenericArguments().SelectMany(Parts)];
    }
}
