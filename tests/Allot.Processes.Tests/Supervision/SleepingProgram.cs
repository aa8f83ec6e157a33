using System.Globalization;
using Allot.Processes.Seccomp;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

/// <summary>A process that locks memory when it is told to, and sleeps in read(2) otherwise. A call that is made up for
/// it under that number is one that is not over.</summary>
internal sealed class SleepingProgram : IDisposable
{
    private const ulong MadeUpAddress = 0x10000;   // nothing is mapped there

    private readonly RunningProgram _program;
    private readonly int _read;
    private int _said;

    private SleepingProgram(RunningProgram program, int read) => (_program, _read) = (program, read);

    public int Pid => _program.Id;

    /// <summary>Starts it. Between the steps of <c>lock.c</c> that are given, it waits for
    /// <see cref="GoOnAsync"/>.</summary>
    public static async Task<SleepingProgram> StartAsync(params string[] steps)
    {
        Require.Root();
        var words = new List<string> { "map a 4M touch a" };
        for (int i = 0; i <= steps.Length; i++)
        {
            words.Add($"say {Mark(i)} wait-stdin");
            if (i < steps.Length) words.Add(steps[i]);
        }

        RunningProgram program = ProcessRunner.Start(Require.Program("lock"), [string.Join(' ', words)]);
        await program.WaitForLineAsync(Mark(0));
        return new SleepingProgram(program, await CallItSleepsInAsync(program.Id));
    }

    /// <summary>Lets it do its next step, and waits until it sleeps again.</summary>
    public async Task GoOnAsync()
    {
        _program.WriteLines("\n");
        await _program.WaitForLineAsync(Mark(++_said));
        while (await CallItSleepsInAsync(Pid) != _read) { }
    }

    /// <summary>A call of it that is not over before its next one, to lock so much that is not locked.</summary>
    public SeccompNotification LockCall(long bytes)
    {
        var call = new SeccompNotification { ThreadId = Pid, SyscallNumber = _read };
        call.Arguments[0] = MadeUpAddress;
        call.Arguments[1] = (ulong)bytes;
        return call;
    }

    /// <summary>A call of it that is not over before its next one, to lock a segment.</summary>
    public SeccompNotification LockSegmentCall(int segmentId)
    {
        var call = new SeccompNotification { ThreadId = Pid, SyscallNumber = _read };
        call.Arguments[0] = (ulong)segmentId;
        return call;
    }

    /// <summary>A call of it that registers an area of one page for AF_XDP. The structure is some of its memory, with
    /// the length where the header of an ELF file has the offset of the next one, which is 64.</summary>
    public SeccompNotification XdpCall(int structureBytes)
    {
        var call = new SeccompNotification { ThreadId = Pid, SyscallNumber = _read };
        string image = File.ReadLines($"/proc/{Pid}/maps").First().Split('-')[0];
        call.Arguments[3] = ulong.Parse(image, NumberStyles.HexNumber, CultureInfo.InvariantCulture) + 0x20 - 8;
        call.Arguments[4] = (ulong)structureBytes;
        return call;
    }

    /// <summary>The number of the call it sleeps in.</summary>
    public int CallNumber => _read;

    /// <summary>Lets it do the rest of its steps, and waits until it is gone.</summary>
    public void End()
    {
        _program.WriteInput("");
        _program.WaitForEnd();
    }

    public void Dispose() => _program.Dispose();

    private static string Mark(int step) => "step" + step.ToString(CultureInfo.InvariantCulture);

    private static async Task<int> CallItSleepsInAsync(int pid)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            string call = File.ReadAllText($"/proc/{pid}/syscall").Split(' ')[0];
            if (int.TryParse(call, out int number) && number >= 0) return number;
            await Task.Delay(1, patience.Token);
        }
    }
}
