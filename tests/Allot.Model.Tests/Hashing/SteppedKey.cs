using System.Runtime.Intrinsics;
using Allot.Maps;

namespace Allot.Model.Tests.Hashing;

/// <summary>A key whose hash is chosen, and whose uses are steps.</summary>
internal readonly unsafe struct SteppedKey(long number, Vector128<byte> hash) : ITableKey
{
    public Vector128<byte> Hash(Vector128<byte> seed) => hash;

    public bool Matches(byte* stored)
    {
        Baton.Pause();
        bool isEqual = *(long*)stored == number;
        Baton.Pause();
        return isEqual;
    }

    public void Store(byte* to)
    {
        Baton.Pause();
        *(long*)to = number;
        Baton.Pause();
    }
}

/// <summary>A value of two equal halves, between which there is a step.</summary>
internal readonly unsafe struct SteppedValue(long number) : IValueWriter
{
    public void Write(byte* value, bool isNew)
    {
        *(long*)value = number;
        Baton.Pause();
        *(long*)(value + sizeof(long)) = number;
    }
}
