"""Benchmark data sets as distributed: readers of their official lists and folders."""
