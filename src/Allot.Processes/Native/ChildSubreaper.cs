// A child subreaper becomes the parent of the orphans among its descendants. It is one setting of the whole process,
// which may not be ours alone: so it is on while somebody here needs it, and then as it was before.

using System.Diagnostics;

namespace Allot.Processes.Native;

/// <summary>Makes this process a child subreaper for as long as the object lives.</summary>
internal sealed unsafe class ChildSubreaper : IDisposable
{
    private static readonly Lock s_lock = new();
    private static int s_users;        // s_users > 0: this process is a subreaper,
    private static bool s_wasBefore;   // and this is what it was before the first of them

    private bool _isUser = true;

    private ChildSubreaper()
    {
    }

    public static ChildSubreaper Become()
    {
        lock (s_lock)
        {
            if (s_users++ == 0)
            {
                s_wasBefore = IsActive;
                _ = LibC.Prctl(LibC.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
            }
        }

        return new ChildSubreaper();
    }

    /// <summary>Whether this process is one now, whoever made it so.</summary>
    public static bool IsActive
    {
        get
        {
            int active = 0;
            _ = LibC.Prctl(LibC.PR_GET_CHILD_SUBREAPER, (nuint)(&active), 0, 0, 0);
            return active != 0;
        }
    }

    /// <summary>Gives the setting back when nobody here needs it any more. Idempotent.</summary>
    public void Dispose()
    {
        lock (s_lock)
        {
            if (!_isUser) return;
            _isUser = false;
            Debug.Assert(s_users > 0, "Every user is counted.");
            if (--s_users == 0 && !s_wasBefore) _ = LibC.Prctl(LibC.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
        }
    }
}
