namespace Allot.Benchmarks.Scopes;

/// <summary>Loops of awaits on the thread pool, with and without something that flows. The caller waits.</summary>
internal static class AwaitLoops
{
    private static readonly AsyncLocal<object?> s_local = new();
    private static readonly AsyncLocal<object?> s_withHandler = new(static _ => { });
    private static readonly object s_value = new();

    public static void Plain(int count) => Task.Run(() => Yield(count)).GetAwaiter().GetResult();

    public static void WithAsyncLocal(int count) => Task.Run(async () =>
    {
        s_local.Value = s_value;
        await Yield(count);
    }).GetAwaiter().GetResult();

    public static void WithHandler(int count) => Task.Run(async () =>
    {
        s_withHandler.Value = s_value;
        await Yield(count);
    }).GetAwaiter().GetResult();

    public static void WithGroup(MemoryGroup group, int count) => Task.Run(async () =>
    {
        using FlowingScope flowing = group.EnterFlow();
        await Yield(count);
    }).GetAwaiter().GetResult();

    public static void WithGroupThatIsRead(MemoryGroup group, int count) => Task.Run(async () =>
    {
        using FlowingScope flowing = group.EnterFlow();
        for (int i = 0; i < count; i++)
        {
            await Task.Yield();
            _ = MemoryGroup.Current;
        }
    }).GetAwaiter().GetResult();

    private static async Task Yield(int count)
    {
        for (int i = 0; i < count; i++) await Task.Yield();
    }
}
