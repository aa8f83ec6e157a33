namespace Allot.Model.Tests.RandomModel;

/// <summary>What a charge is of: the four amounts of a group that nothing else is made of.</summary>
internal enum Sort
{
    User,
    Kernel,
    Locked,
    Pinned,
}

/// <summary>The operations, for the engine and for the model. Groups, handles and peaks are numbered in the order of
/// their creation; the root is group 0. Every operation answers in words what came of it, so that answers can be
/// compared. </summary>
internal interface ITree
{
    string Create(int parent, string name, long[] limits);

    string Remove(int group);

    string SetMax(int group, CounterKind counter, long bytes);

    string TryCharge(int group, Sort sort, long bytes);

    string ForceCharge(int group, Sort sort, long bytes);

    string Uncharge(int group, Sort sort, long bytes);

    string Hold(int group, MemoryKind kind, long bytes);

    string Grow(int handle, long bytes);

    string Shrink(int handle, long bytes);

    string Resize(int handle, long bytes);

    string Transfer(int handle, int target);

    string Dispose(int handle);

    string OpenPeak(int group, CounterKind counter);

    string ResetPeak(int peak);

    string ClosePeak(int peak);

    /// <summary>Every number of a group, also when it was removed.</summary>
    string ShowGroup(int group);

    string ShowHandle(int handle);

    string ShowPeak(int peak);
}
