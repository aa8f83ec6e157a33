namespace Allot;

/// <summary>Makes the memory of a new slab an object. It is called once for the memory, not at every allocation: an
/// object is freed as it was allocated, and comes back so.</summary>
/// <typeparam name="T">The type of the object.</typeparam>
/// <param name="item">Its memory, zeroed.</param>
public delegate void ObjectConstructor<T>(ref T item)
    where T : unmanaged;
