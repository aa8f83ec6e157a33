using System.Text;

namespace Allot.Tests.Reclaim;

/// <summary>Which triggers there are, as values and as text.</summary>
public sealed class PressureTriggerTests
{
    private const string KernelFile = "/proc/pressure/memory";

    [Theory]
    [InlineData("some 150000 1000000", PressureKind.Some, 150, 1_000)]
    [InlineData("full 500000 500000", PressureKind.Full, 500, 500)]
    [InlineData(" some\t1000  10000000\n", PressureKind.Some, 1, 10_000)]
    public void The_text_of_the_kernel_is_read(string text, PressureKind kind, int stall, int window)
    {
        var trigger = PressureTrigger.Parse(text);
        Assert.Equal(
            new PressureTrigger
            {
                Kind = kind,
                Stall = TimeSpan.FromMilliseconds(stall),
                Window = TimeSpan.FromMilliseconds(window),
            },
            trigger);
        Assert.Equal(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), $"{trigger}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("some")]
    [InlineData("some 150000")]
    [InlineData("most 150000 1000000")]
    [InlineData("Some 150000 1000000")]
    [InlineData("some -1 1000000")]
    [InlineData("some 0x10 1000000")]
    [InlineData("some 150000 1000000 x")]          // the kernel does not look further
    [InlineData("some 150000.5 1000000")]
    [InlineData("some 4294967297 2000000")]        // the kernel reads 1
    public void What_is_not_of_the_form_is_an_error_that_shows_it(string text) => Assert.Equal(
        "A pressure trigger is 'some' or 'full', the stall and the window in microseconds: some 150000 1000000.",
        Assert.Throws<FormatException>(() => PressureTrigger.Parse(text)).Message);

    [Theory]
    [InlineData("some 1000 499999", "The window of a pressure trigger is 500 ms to 10 s; this one is 499.999 ms.")]
    [InlineData("some 1000 10000001", "The window of a pressure trigger is 500 ms to 10 s; this one is 10000.001 ms.")]
    [InlineData("some 0 500000",
        "The stall of a pressure trigger is more than 0 and at most its window; this one is 0 ms of 500 ms.")]
    [InlineData("full 500001 500000",
        "The stall of a pressure trigger is more than 0 and at most its window; this one is 500.001 ms of 500 ms.")]
    public void What_is_against_the_rules_is_an_error_that_names_the_rule(string text, string message)
    {
        Assert.Equal(message, Assert.Throws<FormatException>(() => PressureTrigger.Parse(text)).Message);
        string[] words = text.Split(' ');
        var trigger = new PressureTrigger
        {
            Kind = words[0] == "full" ? PressureKind.Full : PressureKind.Some,
            Stall = TimeSpan.FromMicroseconds(int.Parse(words[1])),
            Window = TimeSpan.FromMicroseconds(int.Parse(words[2])),
        };
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        ArgumentOutOfRangeException error =
            Assert.Throws<ArgumentOutOfRangeException>(() => group.WatchPressure(trigger, _ => { }));
        Assert.StartsWith(message, error.Message);
        Assert.Equal("trigger", error.ParamName);
        Assert.Null(group.Policy);
    }

    [Fact]
    public void The_default_value_and_an_unknown_kind_are_no_triggers()
    {
        MemoryGroup group = new MemoryController().Root;
        Assert.Throws<ArgumentOutOfRangeException>(() => group.WatchPressure(default, _ => { }));
        PressureTrigger unknown = PressureTrigger.Parse("some 1 500000") with { Kind = (PressureKind)2 };
        Assert.Throws<ArgumentOutOfRangeException>(() => group.WatchPressure(unknown, _ => { }));
        Assert.Throws<ArgumentNullException>(
            () => group.WatchPressure(PressureTrigger.Parse("some 1 500000"), null!));
    }

    /// <summary>The kernel of this machine is asked the same. Its windows are whole multiples of 2 seconds for those who
    /// have no privilege, so here they all are.</summary>
    [Theory]
    [InlineData("some 150000 2000000")]
    [InlineData("some 2000000 2000000")]
    [InlineData("some 2000001 2000000")]
    [InlineData("some 0 2000000")]
    [InlineData("full 1 10000000")]
    [InlineData("full 1 12000000")]
    [InlineData("full 1 0")]
    [InlineData("some  100   4000000\n")]
    [InlineData("someone 1 2000000")]
    [InlineData("some 0x64 2000000")]
    [InlineData("some -1 2000000")]
    public void The_kernel_takes_the_same(string text)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && TakenByKernel("some 150000 2000000"), "No pressure triggers.");
        Assert.Equal(TakenByKernel(text), Record.Exception(() => PressureTrigger.Parse(text)) is null);
    }

    // The trigger ends with the handle.
    private static bool TakenByKernel(string text)
    {
        try
        {
            using FileStream file = new(KernelFile, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
            file.Write(Encoding.ASCII.GetBytes(text + "\0"));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
