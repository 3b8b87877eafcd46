"""Decoding of media files: frames and waveform of any time span, with typed errors."""
