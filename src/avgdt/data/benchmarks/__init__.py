"""Readers of benchmark data sets: their official lists and folders, as distributed."""
