using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Allot.Cli;

/// <summary>Writes to descriptor 2 as it is. Console.Error is not used: it may set up the terminal, which is the command's.
/// </summary>
internal static class StandardError
{
    public static void Write(string text)
    {
        try
        {
            using var handle = new SafeFileHandle(2, ownsHandle: false);
            RandomAccess.Write(handle, Encoding.UTF8.GetBytes(text), 0);
        }
        catch (IOException)
        {
            // Closed or full: there is nowhere left to say so.
        }
    }

    public static void WriteMessage(string message) => Write($"allot: {message}\n");
}
