// Benchmarks of Allot: whole runs of real programs, inside and outside of a group, or under Allot and under the same
// supervisor written in C; and charging inside this process, next to other ways to do it. All are comparisons, so they
// have their own small runner: variants take turns, round after round, and what is reported is the median of the ratios
// within one round. What disturbs the machine for longer than a round disturbs both sides of a ratio.

using Allot.Benchmarks;
using Allot.Benchmarks.Bpf;
using Allot.Benchmarks.Charge;
using Allot.Benchmarks.Groups;
using Allot.Benchmarks.Maps;
using Allot.Benchmarks.Maps.Lru;
using Allot.Benchmarks.Off;
using Allot.Benchmarks.Pins;
using Allot.Benchmarks.Runner;
using Allot.Benchmarks.Scopes;
using Allot.Benchmarks.Slabs;

if (args is ["--resident", var subject, var number, var size]) return ResidentBenchmark.RunChild(subject, number, size);
Benchmark[] all =
[
    new IdleBenchmark(), new RoundTripBenchmark(), new GitStatusBenchmark(), new StartupBenchmark(), new ChargeBenchmark(),
    new OffBenchmark(), new SwitchedOffBenchmark(), new GroupsBenchmark(),
    new ScopesBenchmark(), new SlabsBenchmark(), new ResidentBenchmark(), new WorkloadsBenchmark(),
    new BuffersBenchmark(), new PinsBenchmark(), new MapsBenchmark(), new LruBenchmark(), new BpfBenchmark(),
];
if (!Request.TryParse(args, all, out Request request, out string error))
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(Request.Usage(all));
    return 2;
}

// Before anything of Allot is used: it is read once.
if (request.SwitchedOff is { } name) AppContext.SetSwitch(name, isEnabled: false);
try
{
    return Session.Run(request) ? 0 : 1;
}
catch (BenchmarkException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 2;
}
