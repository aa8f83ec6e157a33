namespace Allot;

/// <summary>The places that were reported already. Their number is bounded: a program that is wrong everywhere would
/// otherwise keep a stack for each of its calls.</summary>
internal sealed class ReportedPlaces(int placesMax)
{
    private readonly HashSet<string> _places = [];

    public int PlacesMax => placesMax;

    /// <summary>A place is about to be reported.</summary>
    /// <param name="place">What tells it from others.</param>
    /// <param name="isLast">Whether none is reported after it.</param>
    /// <returns>False when it was reported before, or there were too many.</returns>
    public bool TryAdd(string place, out bool isLast)
    {
        lock (_places)
        {
            isLast = false;
            if (_places.Count >= placesMax || !_places.Add(place)) return false;
            isLast = _places.Count == placesMax;
            return true;
        }
    }
}
