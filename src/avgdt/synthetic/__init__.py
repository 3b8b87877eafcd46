"""The synthetic data set: rendered recordings in which every sound has a visible cause."""
