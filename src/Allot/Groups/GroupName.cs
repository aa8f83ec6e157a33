using System.Buffers;

namespace Allot;

/// <summary>What a group may be called: what a directory may be called, less what would confuse a reader.</summary>
internal static class GroupName
{
    public const int MaxLength = 255;

    private static readonly SearchValues<char> s_forbidden = SearchValues.Create(
        [.. Enumerable.Range(0, 0x100).Select(code => (char)code).Where(char.IsControl), '/']);

    public static void Validate(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > MaxLength)
        {
            throw new ArgumentException(
                $"A group name has at most {MaxLength} characters; this one has {name.Length}.", nameof(name));
        }

        int position = name.AsSpan().IndexOfAny(s_forbidden);
        if (position >= 0)
        {
            throw new ArgumentException(
                $"A group name has no slash and no control character; '{name}' has one at position {position}.",
                nameof(name));
        }

        if (name is "." or "..") throw new ArgumentException($"'{name}' is not a group name.", nameof(name));
    }
}
