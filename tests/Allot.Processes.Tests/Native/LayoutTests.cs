using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Native;

/// <summary>The sizes the kernel and the C library have for the structures that cross to them.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Structures_have_the_size_of_their_models()
    {
        Assert.Equal(8, Unsafe.SizeOf<LibC.PollEntry>());
        Assert.Equal(16, Unsafe.SizeOf<LibC.IoVector>());
        Assert.Equal(56, Unsafe.SizeOf<LibC.MessageHeader>());
        Assert.Equal(24, Unsafe.SizeOf<LibC.DescriptorMessage>());
        Assert.Equal(128, Unsafe.SizeOf<LibC.ChildInfo>());
        Assert.Equal(16, Unsafe.SizeOf<LibC.ResourceLimit>());
        Assert.Equal(16, Unsafe.SizeOf<LibC.FilterProgram>());
        Assert.Equal(24, Unsafe.SizeOf<LibC.NotificationResponse>());
        Assert.Equal(32, Unsafe.SizeOf<LibC.KernelSignalAction>());
        Assert.Equal(152, Unsafe.SizeOf<LibC.SignalHandler>());
        Assert.Equal(80, Unsafe.SizeOf<SeccompNotification>());
        Assert.Equal(32, (int)Marshal.OffsetOf<SeccompNotification>(nameof(SeccompNotification.Arguments)));
        Assert.Equal(BpfInstruction.Bytes, Unsafe.SizeOf<BpfInstruction>());
    }
}
