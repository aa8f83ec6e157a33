using System.Reflection;

namespace Allot.Bpf;

/// <summary>The methods and fields that compiled programs use. They are named in a way that trimming
/// understands.</summary>
internal static class CompilerMembers
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    public static readonly FieldInfo Stack = Field(typeof(BpfExecution).GetField(nameof(BpfExecution.Stack), Instance));

    public static readonly FieldInfo Budget =
        Field(typeof(BpfExecution).GetField(nameof(BpfExecution.Budget), Instance));

    public static readonly FieldInfo GoOnBudget =
        Field(typeof(BpfExecution).GetField(nameof(BpfExecution.GoOnBudget), Instance));

    public static readonly FieldInfo FrameEnd =
        Field(typeof(BpfExecution).GetField(nameof(BpfExecution.FrameEnd), Instance));

    public static readonly FieldInfo IsStopped =
        Field(typeof(BpfExecution).GetField(nameof(BpfExecution.IsStopped), Instance));

    public static readonly FieldInfo Memory =
        Field(typeof(BpfExecution).GetField(nameof(BpfExecution.Memory), Instance));

    public static readonly FieldInfo MemoryBytes =
        Field(typeof(BpfExecution).GetField(nameof(BpfExecution.MemoryBytes), Instance));

    public static readonly MethodInfo MayRead =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.MayRead), Instance));

    public static readonly MethodInfo MayWrite =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.MayWrite), Instance));

    public static readonly MethodInfo MayDoAtomic =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.MayDoAtomic), Instance));

    public static readonly MethodInfo FromArena =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.FromArena), Instance));

    public static readonly MethodInfo LoadInArena =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.LoadInArena), Instance));

    public static readonly MethodInfo StoreInArena =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.StoreInArena), Instance));

    public static readonly MethodInfo AtomicInArena =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.AtomicInArena), Instance));

    public static readonly MethodInfo MayDoOrdered =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.MayDoOrdered), Instance));

    public static readonly MethodInfo Fail =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.Fail), Instance));

    public static readonly MethodInfo CallNumbered =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.CallNumbered), Instance));

    public static readonly MethodInfo CallHelper =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.CallHelper), Instance));

    public static readonly MethodInfo NoteCall =
        Method(typeof(BpfExecution).GetMethod(nameof(BpfExecution.NoteCall), Instance));

    public static readonly MethodInfo Apply = ((Func<BpfOp, ulong, ulong, ulong, ulong>)BpfAtomics.Apply).Method;

    /// <summary>The function for an operation that C# has no equal of; null for the others.</summary>
    public static MethodInfo? FunctionOf(BpfOp op) => op switch
    {
        BpfOp.Div64 => Two(BpfArithmetic.Div64),
        BpfOp.Div32 => Two(BpfArithmetic.Div32),
        BpfOp.SDiv64 => Two(BpfArithmetic.SDiv64),
        BpfOp.SDiv32 => Two(BpfArithmetic.SDiv32),
        BpfOp.Mod64 => Two(BpfArithmetic.Mod64),
        BpfOp.Mod32 => Two(BpfArithmetic.Mod32),
        BpfOp.SMod64 => Two(BpfArithmetic.SMod64),
        BpfOp.SMod32 => Two(BpfArithmetic.SMod32),
        BpfOp.Le16 => One(BpfArithmetic.Le16),
        BpfOp.Le32 => One(BpfArithmetic.Le32),
        BpfOp.Le64 => One(BpfArithmetic.Le64),
        BpfOp.Be16 => One(BpfArithmetic.Be16),
        BpfOp.Be32 => One(BpfArithmetic.Be32),
        BpfOp.Be64 => One(BpfArithmetic.Be64),
        BpfOp.Swap16 => One(BpfArithmetic.Swap16),
        BpfOp.Swap32 => One(BpfArithmetic.Swap32),
        BpfOp.Swap64 => One(BpfArithmetic.Swap64),
        _ => null,
    };

    private static MethodInfo One(Func<ulong, ulong> function) => function.Method;

    private static MethodInfo Two(Func<ulong, ulong, ulong> function) => function.Method;

    private static FieldInfo Field(FieldInfo? field) => field ?? throw new MissingFieldException();

    private static MethodInfo Method(MethodInfo? method) => method ?? throw new MissingMethodException();
}
