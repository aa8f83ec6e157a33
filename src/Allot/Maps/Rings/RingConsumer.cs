namespace Allot.Maps;

/// <summary>Gets the records of a ring.</summary>
/// <typeparam name="TState">What is handed through.</typeparam>
/// <param name="record">The bytes of the record, until this returns.</param>
/// <param name="state">What was given with the consumer.</param>
/// <returns>Whether it wants the next one.</returns>
public delegate bool RingConsumer<in TState>(ReadOnlySpan<byte> record, TState state);
