using Allot.Testing;

namespace Allot.Bpf.Tests.Fuzz;

/// <summary>Objects of a compiler with bytes and words that were changed, moved or cut off.</summary>
internal static class MutatedObject
{
    public static byte[] Make(Prng random, IReadOnlyList<byte[]> objects)
    {
        byte[] made = [.. random.Pick(objects)];
        for (int change = random.Below(6); change >= 0; change--)
        {
            int at = random.Below(made.Length - 8);
            switch (random.Below(5))
            {
                case 0: made[at] ^= (byte)(1 << random.Below(8)); break;
                case 1: made[at] = (byte)random.Next(); break;
                case 2: BitConverter.TryWriteBytes(made.AsSpan(at & ~3), random.Below(128) - 16); break;
                case 3: BitConverter.TryWriteBytes(made.AsSpan(at & ~7), random.Next() >> random.Below(64)); break;
                default: made.AsSpan(random.Below(made.Length - 8), 8).CopyTo(made.AsSpan(at)); break;
            }
        }

        return random.OneIn(32) ? made[..random.Below(made.Length)] : made;
    }
}
