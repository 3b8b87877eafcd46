"""avgdt: audio-visual self-supervision from generalized data transformations."""

__version__ = "0.1.0"
