using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Allot.Maps;

namespace Allot.Cli.Bpf;

/// <summary>The size subcommand of bpf: what a map costs, before there is one.</summary>
internal static class BpfSizeCommand
{
    public static Command Create()
    {
        var type = new Option<string?>("--type");
        var key = new Option<string>("--key") { DefaultValueFactory = static _ => "0" };
        var value = new Option<string>("--value") { DefaultValueFactory = static _ => "0" };
        var entries = new Option<string>("--entries") { DefaultValueFactory = static _ => "0" };
        var flags = new Option<string>("--flags") { DefaultValueFactory = static _ => "0" };
        var extra = new Option<string>("--extra") { DefaultValueFactory = static _ => "0" };
        var functions = new Option<string>("--functions") { DefaultValueFactory = static _ => "0" };
        var cpus = new Option<string?>("--cpus");
        var json = new Option<bool>("--json");
        var command = new Command("size", "Say what a map costs, before there is one.")
        {
            type, key, value, entries, flags, extra, functions, cpus, json,
        };
        command.SetAction(parsed =>
        {
            MapDefinition definition;
            int processors;
            try
            {
                definition = new MapDefinition
                {
                    Type = MapWords.ParseType(parsed.GetValue(type)),
                    KeyBytes = (int)MapWords.ParseNumber("--key", parsed.GetValue(key)!, int.MaxValue),
                    ValueBytes = (long)MapWords.ParseNumber("--value", parsed.GetValue(value)!, uint.MaxValue),
                    Capacity = (long)MapWords.ParseNumber("--entries", parsed.GetValue(entries)!, uint.MaxValue),
                    Flags = MapWords.ParseFlags(parsed.GetValue(flags)!),
                    MapExtra = MapWords.ParseNumber("--extra", parsed.GetValue(extra)!, ulong.MaxValue),
                    FunctionCount = (int)MapWords.ParseNumber("--functions", parsed.GetValue(functions)!, int.MaxValue),
                };
                processors = parsed.GetValue(cpus) is { } text
                    ? (int)MapWords.ParseNumber("--cpus", text, MapWords.ProcessorsMax, least: 1)
                    : Environment.ProcessorCount;
            }
            catch (FormatException wrong)
            {
                return BpfFailure.SayUsage(wrong.Message);
            }

            return BpfFailure.Guard(() => Show(definition, processors, parsed.GetValue(json)));
        });
        return command;
    }

    private static int Show(MapDefinition definition, int processors, bool isJson)
    {
        if (definition.Type is MapType.ArrayOfMaps or MapType.HashOfMaps)
        {
            // Inner maps pay for themselves: any will do.
            var inner = new MapDefinition { Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 1 };
            definition = definition with { InnerMap = inner };
        }

        try
        {
            MapFigures figures = MapSizes.Of(definition, KernelProfile.Default with { Processors = processors });
            Console.Out.Write(isJson ? Json(definition, processors, figures) : Text(definition, processors, figures));
            return ExitCode.Success;
        }
        catch (MapRefusedException refused)
        {
            string rule = refused.Message[(refused.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
            return BpfFailure.Say($"{Describe(definition)}: {MapWords.NameOfError(refused.Error)}: {rule}.");
        }
    }

    // The flags as they would be typed.
    private static string Describe(MapDefinition map)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"--type {MapWords.NameOf(map.Type)} --key {map.KeyBytes} --value {map.ValueBytes}");
        text.Append(CultureInfo.InvariantCulture, $" --entries {map.Capacity}");
        if (map.Flags != 0) text.Append(CultureInfo.InvariantCulture, $" --flags 0x{map.Flags:x}");
        if (map.MapExtra != 0) text.Append(CultureInfo.InvariantCulture, $" --extra {map.MapExtra}");
        if (map.FunctionCount != 0) text.Append(CultureInfo.InvariantCulture, $" --functions {map.FunctionCount}");
        return text.ToString();
    }

    private static string Text(MapDefinition map, int processors, MapFigures figures)
    {
        (string Name, long Bytes, string Meaning)[] lines =
        [
            ("charged", figures.ChargedBytes,
                "what the group is charged when the map is made: exactly what is allocated"),
            ("kernel memlock", figures.KernelMemlockBytes,
                $"what {KernelProfile.Default.Name} shows for the same map, new and empty: an estimate by formula"),
            ("most", figures.MaxBytes, "what the group can ever be charged for it, however it is used"),
        ];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Describe(map)} --cpus {processors}\n");
        foreach ((string name, long bytes, string meaning) in lines)
        {
            string amount = bytes.ToString("#,0", CultureInfo.InvariantCulture);
            string short_ = bytes == long.MaxValue ? "more than there is" : MemorySize.Format(bytes);
            text.Append(CultureInfo.InvariantCulture, $"  {name,-14}  {amount,18} bytes  ({short_})\n");
            text.Append(CultureInfo.InvariantCulture, $"                  {meaning}\n");
        }

        return text.ToString();
    }

    private static string Json(MapDefinition map, int processors, MapFigures figures)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("type", MapWords.NameOf(map.Type));
            json.WriteNumber("key_bytes", map.KeyBytes);
            json.WriteNumber("value_bytes", map.ValueBytes);
            json.WriteNumber("max_entries", map.Capacity);
            json.WriteNumber("flags", map.Flags);
            json.WriteNumber("extra", map.MapExtra);
            json.WriteNumber("cpus", processors);
            json.WriteString("kernel", KernelProfile.Default.Name);
            json.WriteNumber("charged_bytes", figures.ChargedBytes);
            json.WriteNumber("kernel_memlock_bytes", figures.KernelMemlockBytes);
            json.WriteNumber("max_bytes", figures.MaxBytes);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }
}
