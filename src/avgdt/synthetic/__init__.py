"""Synthetic data set of rendered recordings in which every sound has a visible cause."""
