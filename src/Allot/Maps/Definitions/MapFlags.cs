namespace Allot.Maps;

/// <summary>The flags of a map's definition, with the values of Linux.</summary>
public static class MapFlags
{
    /// <summary>Memory for an element is taken when the element is added.</summary>
    public const uint NoPreallocation = 0x1;

    /// <summary>What was not used for long is known for each processor apart.</summary>
    public const uint NoCommonLru = 0x2;

    /// <summary>A node is named. There is one memory for all here.</summary>
    public const uint NumaNode = 0x4;

    /// <summary>The host only reads.</summary>
    public const uint ReadOnly = 0x8;

    /// <summary>The host only writes.</summary>
    public const uint WriteOnly = 0x10;

    /// <summary>A stack trace holds build ids and offsets.</summary>
    public const uint StackBuildId = 0x20;

    /// <summary>The hash function is the same in every map.</summary>
    public const uint ZeroSeed = 0x40;

    /// <summary>Programs only read.</summary>
    public const uint ReadOnlyForPrograms = 0x80;

    /// <summary>Programs only write.</summary>
    public const uint WriteOnlyForPrograms = 0x100;

    /// <summary>A value of a socket goes to the sockets that it accepts.</summary>
    public const uint Clone = 0x200;

    /// <summary>The host may map the values.</summary>
    public const uint Mappable = 0x400;

    /// <summary>Elements outlive the one who added them.</summary>
    public const uint PreserveElements = 0x800;

    /// <summary>As an inner map, it may have any number of elements.</summary>
    public const uint InnerMap = 0x1000;

    /// <summary>A table of functions is attached by a link.</summary>
    public const uint Link = 0x2000;

    /// <summary>A fault in an arena is the program's own.</summary>
    public const uint FaultInArena = 0x20000;

    internal const uint Access = ReadOnly | WriteOnly | ReadOnlyForPrograms | WriteOnlyForPrograms;
}
