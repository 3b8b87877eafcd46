"""The official layouts of benchmark data sets."""
