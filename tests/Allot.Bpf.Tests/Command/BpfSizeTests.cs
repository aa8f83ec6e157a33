using System.Text.Json;
using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Command;

/// <summary>size, as a user calls it.</summary>
public sealed class BpfSizeTests
{
    [Fact]
    public async Task Json_has_the_three_figures_and_what_was_asked()
    {
        (int exitCode, string output, string error) = await Size(
            "--type HASH --key 4 --value 8 --entries 100000 --cpus 2 --json");
        Assert.Equal((0, ""), (exitCode, error));
        JsonElement json = JsonDocument.Parse(output).RootElement;
        var definition = new MapDefinition { Type = MapType.Hash, KeyBytes = 4, ValueBytes = 8, Capacity = 100000 };
        MapFigures figures = MapSizes.Of(definition, KernelProfile.Default with { Processors = 2 });
        Assert.Equal(8498192, json.GetProperty("kernel_memlock_bytes").GetInt64());
        Assert.Equal(figures.ChargedBytes, json.GetProperty("charged_bytes").GetInt64());
        Assert.Equal(figures.MaxBytes, json.GetProperty("max_bytes").GetInt64());
        Assert.Equal("HASH", json.GetProperty("type").GetString());
        Assert.Equal(100000, json.GetProperty("max_entries").GetInt64());
        Assert.Equal(2, json.GetProperty("cpus").GetInt64());
    }

    [Fact]
    public async Task Text_explains_each_figure()
    {
        (int exitCode, string output, string error) = await Size("--type RINGBUF --entries 65536");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("--type RINGBUF --key 0 --value 0 --entries 65536", output);
        Assert.Contains("charged ", output);
        Assert.Contains("exactly what is allocated", output);
        Assert.Contains("78,408 bytes", output);
        Assert.Contains("Linux 6.18 shows", output);
        Assert.Contains("can ever be charged", output);
    }

    [Theory]
    [InlineData("--type hash --key 4 --value 8 --entries 1 --flags 0x1 --cpus 2", 912)]
    [InlineData("--type HASH --key 4 --value 8 --entries 1 --flags NO_PREALLOC,ZERO_SEED --cpus 2", 912)]
    [InlineData("--type ARRAY_OF_MAPS --key 4 --value 4 --entries 100", 1112)]
    [InlineData("--type BLOOM_FILTER --value 8 --entries 1000 --extra 1", 568)]
    [InlineData("--type STRUCT_OPS --key 4 --value 128 --entries 1 --functions 3", 4848)]
    [InlineData("--type ARENA --entries 100 --flags MMAPABLE", 0)]
    public async Task Flags_and_extras_are_understood(string arguments, long memlock)
    {
        (int exitCode, string output, string error) = await Size($"{arguments} --json");
        Assert.Equal((0, ""), (exitCode, error));
        JsonElement json = JsonDocument.Parse(output).RootElement;
        Assert.Equal(memlock, json.GetProperty("kernel_memlock_bytes").GetInt64());
    }

    [Theory]
    [InlineData("--key 4", "--type is missing: one of HASH, ARRAY, ")]
    [InlineData("--type HASHMAP", "--type 'HASHMAP' is no type of map: one of HASH, ")]
    [InlineData("--type HASH --key four", "--key 'four' is no whole number from 0 to 2147483647.")]
    [InlineData("--type HASH --value 4294967296", "--value '4294967296' is no whole number from 0 to 4294967295.")]
    [InlineData("--type HASH --entries 1.5", "--entries '1.5' is no whole number from 0 to 4294967295.")]
    [InlineData("--type HASH --cpus 0", "--cpus '0' is no whole number from 1 to 65536.")]
    [InlineData("--type HASH --flags PREALLOC", "--flags 'PREALLOC': 'PREALLOC' is neither a number nor one of ")]
    public async Task A_wrong_option_is_named_with_its_value_and_the_rule(string arguments, string message)
    {
        (int exitCode, string output, string error) = await Size(arguments);
        Assert.Equal((125, ""), (exitCode, output));
        Assert.StartsWith($"allot: {message}", error);
        Assert.Contains("see 'allot bpf --help'", error);
    }

    [Theory]
    [InlineData("--type HASH --key 0 --value 8 --entries 10", "EINVAL: a key has a byte.")]
    [InlineData("--type HASH --key 4 --value 8 --entries 2147483648", "E2BIG: 134217728 elements at most.")]
    [InlineData("--type RINGBUF --key 0 --value 0 --entries 12288", "EINVAL: it is a power of two, and whole pages.")]
    [InlineData("--type LRU_HASH --key 4 --value 8 --entries 10 --flags 0x1", "ENOTSUPP: ")]
    public async Task A_map_that_cannot_be_is_refused_with_its_shape_and_the_rule(string arguments, string rule)
    {
        (int exitCode, string output, string error) = await Size(arguments);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith($"allot: {arguments}: {rule}", error);
    }

    [Fact]
    public async Task Every_type_that_Linux_has_can_be_asked_for()
    {
        (_, _, string error) = await Size("");
        int types = error[..error.IndexOf('.', StringComparison.Ordinal)].Split(", ").Length;
        Assert.Equal(33, types);
    }

    private static Task<(int ExitCode, string Output, string Error)> Size(string arguments) =>
        AllotProcess.RunAsync(["bpf", "size", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
}
