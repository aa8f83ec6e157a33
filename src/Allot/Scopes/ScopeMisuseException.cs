using System.Diagnostics;

namespace Allot;

/// <summary>A scope was left out of order, on another thread, or in another flow. Nothing has changed, save where a
/// flowing scope is left that another flow has left before: then it is left.</summary>
public sealed class ScopeMisuseException : InvalidOperationException
{
    private ScopeMisuseException(string message)
        : base(message)
    {
    }

    internal static ScopeMisuseException OutOfOrder(ulong left, ulong innermost) => new(
        "An allocation scope was left while one that was entered later is still open. Leave scopes in the opposite "
        + "order: 'using' does." + OpenScopes.Describe("The scope that was left", left)
        + OpenScopes.Describe("The innermost open scope", innermost));

    internal static ScopeMisuseException OutOfOrder(StackTrace? left, StackTrace? innermost) => new(
        "A flowing allocation scope was left while one that was entered later is still open in this flow. Leave scopes "
        + "in the opposite order: 'using' does." + Describe("The scope that was left", left)
        + Describe("The innermost open scope", innermost));

    internal static ScopeMisuseException OnAnotherThread(ulong left) => new(
        "An allocation scope of one thread was left on another."
        + OpenScopes.Describe("The scope that was left", left)
        + $"\nIt was left here:\n{new StackTrace(skipFrames: 1, fNeedFileInfo: true)}");

    internal static ScopeMisuseException LeftInAnotherFlow(StackTrace? left) => new(
        "A flowing allocation scope was left in another flow before: by a task or an async method that was started "
        + "inside of it, for which alone that held. It is left here now. Dispose it in the method that has entered it."
        + Describe("It", left));

    internal static ScopeMisuseException InAnotherFlow(StackTrace? left) => new(
        "A flowing allocation scope was left in a flow that it was not entered in. Dispose it in the method that has "
        + "entered it: what an async method enters is not seen by its caller." + Describe("It", left));

    private static string Describe(string what, StackTrace? entered) =>
        entered is null ? "" : $"\n{what} was entered here:\n{entered}";
}
