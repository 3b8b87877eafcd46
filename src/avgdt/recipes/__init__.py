"""What a run is, as frozen values; imports nothing else of the project but its errors."""
