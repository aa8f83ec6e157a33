using System.Text;
using System.Text.Json;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Vm;

/// <summary>What a scenario gave, and the cgroups that existed after it (paths like <c>./name</c>).</summary>
internal sealed record VmResult(AllotResult Allot, int Seconds, string[] Cgroups)
{
    public RunResult Run => Allot.Run;
}

// Reads what the machine's init wrote to the second serial port.
internal static class VmResultReader
{
    public static (bool Complete, string? Kernel, Dictionary<string, VmResult> Results) Read(string text)
    {
        string? kernel = null;
        bool complete = false;
        Dictionary<string, VmResult> results = [];
        string? name = null;
        Dictionary<string, string> fields = [];
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string[] parts = lines[i].Split(' ', 2);
            switch (parts[0])
            {
                case "@boot": kernel = parts[1]; break;
                case "@end": complete = true; break;
                case "@scenario":
                    name = parts[1];
                    fields = [];
                    break;
                case "@exit" or "@seconds": fields[parts[0]] = parts[1]; break;
                case "@out" or "@err" or "@report" or "@cgroups":
                    StringBuilder encoded = new();
                    while (++i < lines.Length && lines[i] != "@") encoded.Append(lines[i]);
                    if (i == lines.Length) return (false, kernel, results);   // the machine went away in the middle
                    fields[parts[0]] = Encoding.UTF8.GetString(Convert.FromBase64String(encoded.ToString()));
                    if (parts[0] == "@cgroups") results.Add(name!, ToResult(fields));
                    break;
            }
        }

        return (complete, kernel, results);
    }

    private static VmResult ToResult(Dictionary<string, string> fields)
    {
        int exitCode = int.Parse(fields["@exit"]);
        RunResult run = new(exitCode, fields["@out"], fields["@err"], TimedOut: exitCode == 137);
        JsonElement? report = fields["@report"].Length == 0 ? null : JsonElement.Parse(fields["@report"]);
        return new VmResult(new AllotResult(run, report), int.Parse(fields["@seconds"]),
            fields["@cgroups"].Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
