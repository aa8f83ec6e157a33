using System.Text;
using Allot.Processes.Native;

namespace Allot.Cli;

/// <summary>Writes to descriptor 2 as it is. Console.Error is not used: it may set up the terminal, which is the
/// command's.
/// </summary>
internal static unsafe class StandardError
{
    private const int Descriptor = 2;

    /// <summary>Writes the text, at the place where the command wrote last. What cannot be written is dropped: there is
    /// nowhere left to say so.</summary>
    public static void Write(string text)
    {
        ReadOnlySpan<byte> left = Encoding.UTF8.GetBytes(text);
        while (!left.IsEmpty)
        {
            fixed (byte* bytes = left)
            {
                nint written = LibC.Write(Descriptor, bytes, (nuint)left.Length);
                if (written > 0)
                {
                    left = left[(int)written..];
                }
                else if (Errno.Last != Errno.EINTR)
                {
                    return;
                }
            }
        }
    }

    public static void WriteMessage(string message) => Write($"allot: {message}\n");
}
