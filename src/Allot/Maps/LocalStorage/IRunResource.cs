namespace Allot.Maps;

/// <summary>What a run of a program uses until it ends.</summary>
internal interface IRunResource
{
    /// <summary>The run has ended.</summary>
    void Release();
}
