using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>The report's shape, compiled: no reflection at run time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(ProcessGroupReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
